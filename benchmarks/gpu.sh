#!/usr/bin/env bash
# What groundcxr does on a GPU, in five minutes on a bare machine with Python and PyTorch.
#
#     bash benchmarks/gpu.sh [--parts 1,2,3] [--wheels FOLDER] [--answers FOLDER] [--out FOLDER] [--smoke]
#
# --wheels   packages that the machine lacks, from benchmarks/gpu_wheels.sh; left out where groundcxr is installed
# --answers  what a CPU answered, from `python benchmarks/gpu_agree.py make FOLDER`; part 1 needs it
# --out      where each part's output is written as it comes (part1.txt, ...); gpu-results by default
# --smoke    tiny sizes, on the CPU
#
# PYTHON names another interpreter than python3.
#
# Parts: 1 every method's answers beside the CPU's (75 s); 2 the diffusion method at the paper's size (180 s);
# 3 films from the disk to the table (45 s). A part that fails or takes too long does not keep the next from running.
# Exit code 0: all parts ended, and part 1 agrees; 1: not so; 2: nothing was run.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3} parts=1,2,3 wheels= answers= out=gpu-results smoke= device=cuda

refuse() { echo "gpu.sh: $1" >&2; exit 2; }

while [ $# -gt 0 ]; do
    case $1 in
        --parts | --wheels | --answers | --out)
            [ $# -gt 1 ] || refuse "$1 needs a value; see the head of this file"
            printf -v "${1#--}" %s "$2"
            shift 2 ;;
        --smoke) smoke=--smoke device=cpu; shift ;;
        *) refuse "$1 is no option; see the head of this file" ;;
    esac
done
[[ $parts =~ ^[123](,[123])*$ ]] || refuse "--parts is '$parts'; write some of 1,2,3"
[[ $parts != *1* || -f $answers/made.txt ]] ||
    refuse "part 1 needs --answers FOLDER, which \`python benchmarks/gpu_agree.py make FOLDER\` writes on a CPU"
[ -z "$wheels" ] || compgen -G "$wheels/*.whl" > /dev/null ||
    refuse "--wheels $wheels holds no wheels; \`bash benchmarks/gpu_wheels.sh FOLDER\` fetches them"
python=$(command -v "$python") || refuse "there is no ${PYTHON:-python3}; PYTHON=... names another interpreter"
python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python")
mkdir -p "$out" || exit 2
out=$(cd "$out" && pwd)
[ -z "$answers" ] || answers=$(cd "$answers" && pwd)

work=$(mktemp -d)
running=
trap 'rm -rf "$work"' EXIT
# A part is a process group of its own, which a terminal's interruption does not reach.
trap '[ -z "$running" ] || { kill "$running" 2> /dev/null; wait; }; exit 130' INT TERM
if [ -n "$wheels" ]; then
    mkdir "$work/site"
    "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$work/site" "$wheels"/*.whl || exit 2
    # hi-ml-multimodal imports it for a kind of file that nothing here reads; it is larger than all the rest.
    touch "$work/site/SimpleITK.py"
    # The checkout itself is the package.
    ln -s "$root" "$work/site/groundcxr"
    export PYTHONPATH=$work/site${PYTHONPATH:+:$PYTHONPATH}
fi
export PYTHONUNBUFFERED=1 PYTHONWARNINGS=ignore HF_HUB_OFFLINE=1 GROUNDCXR_CACHE=$work/cache
# Its own compiled kernels, whatever others left on the machine.
export TORCHINDUCTOR_CACHE_DIR=$work/inductor
said=$(cd "$work" && "$python" -c 'import groundcxr' 2>&1) ||
    refuse "$python cannot import groundcxr: ${said##*$'\n'}; install it, or give --wheels FOLDER"
[ -n "$smoke" ] || (cd "$work" && "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())') ||
    refuse "PyTorch finds no GPU here; --smoke runs everything in tiny sizes on the CPU"

failed=0
part() {  # number, seconds, command
    case ,$parts, in *,"$1",*) ;; *) return ;; esac
    echo "== part $1"
    local start=$SECONDS code file=$out/part$1.txt
    : > "$file"
    (cd "$work" && exec timeout -k 5 "$2" "$python" "$root/benchmarks/$3" "${@:4}" --device $device $smoke) \
        > "$file" 2>&1 &
    running=$!
    # Not through a pipe, which is open as long as any process that a part has left behind.
    tail -n +1 -s 0.2 --pid="$running" -f "$file" &
    local shown=$!
    wait "$running"
    code=$?
    running=
    wait "$shown"
    echo "part $1: exit code $code after $((SECONDS - start)) s" | tee -a "$file"
    [ "$code" = 0 ] || failed=1
}
part 1 75 gpu_agree.py compare "$answers"
part 2 180 ldm_gpu.py
part 3 45 gpu_films.py
exit $failed

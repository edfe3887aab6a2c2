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
# Exit code 0: all parts ended, and part 1 agrees.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
root=$PWD parts=1,2,3 wheels= answers= out=gpu-results smoke=
while [ $# -gt 0 ]; do
    case $1 in
        --parts) parts=$2; shift 2 ;;
        --wheels) wheels=$2; shift 2 ;;
        --answers) answers=$2; shift 2 ;;
        --out) out=$2; shift 2 ;;
        --smoke) smoke=--smoke; shift ;;
        *) echo "gpu.sh: $1 is no option; see the head of this file" >&2; exit 2 ;;
    esac
done
case ,$parts, in *,1,*) [ -d "$answers" ] || { echo "gpu.sh: part 1 needs --answers FOLDER" >&2; exit 2; } ;; esac
device=cuda
[ -n "$smoke" ] && device=cpu

mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "$wheels" ]; then
    mkdir "$work/site"
    "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$work/site" "$wheels"/*.whl || exit 2
    # hi-ml-multimodal imports it for a kind of file that nothing here reads; it is larger than all the rest.
    touch "$work/site/SimpleITK.py"
    # The checkout itself is the package.
    ln -s "$root" "$work/site/groundcxr"
    export PYTHONPATH=$work/site
fi
export PYTHONUNBUFFERED=1 PYTHONWARNINGS=ignore HF_HUB_OFFLINE=1 GROUNDCXR_CACHE=$work/cache
# Its own compiled kernels, whatever others left on the machine.
export TORCHINDUCTOR_CACHE_DIR=$work/inductor

failed=0
part() {  # number, seconds, command
    case ,$parts, in *,"$1",*) ;; *) return ;; esac
    echo "== part $1"
    local start=$SECONDS
    (cd "$work" && timeout "$2" "$python" "$root/benchmarks/$3" "${@:4}" --device $device $smoke) 2>&1 | tee "$out/part$1.txt"
    local code=${PIPESTATUS[0]}
    echo "part $1: exit code $code after $((SECONDS - start)) s" | tee -a "$out/part$1.txt"
    [ "$code" = 0 ] || failed=1
}
out=$(cd "$out" && pwd)
[ -n "$answers" ] && answers=$(cd "$answers" && pwd)
part 1 75 gpu_agree.py compare "$answers"
part 2 180 ldm_gpu.py
part 3 45 gpu_films.py
exit $failed

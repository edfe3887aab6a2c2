// The viewer of Zoom: an image beside a method's answer on it. Both move together; nothing is asked of the server but
// the IoU at a threshold.

const SVG = "http://www.w3.org/2000/svg"
const MOST = 40 // screen pixels for a pixel of the image

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".gx-viewer")
  // Streamlit calls this again whenever the page runs; what is set by hand stays for the next sample.
  const viewer = (root.viewer ??= new Viewer(root))
  viewer.send = (threshold) => setStateValue("threshold", threshold)
  viewer.show(data)
}

class Viewer {
  constructor(root) {
    this.root = root
    this.panes = [...root.querySelectorAll(".pane")].map((element) => new Pane(element))
    this.view = { scale: 1, x: 0, y: 0, fits: true }
    this.pointers = new Map()
    for (const input of root.querySelectorAll("input")) {
      input.addEventListener("input", () => this.restyle(input.name))
      if (input.name === "threshold") input.addEventListener("change", () => this.send(Number(input.value)))
    }
    for (const button of root.querySelectorAll("button"))
      button.addEventListener("click", () => this.resize(button.dataset.size))
    for (const pane of this.panes) this.listen(pane.element)
    new ResizeObserver(() => this.view.fits && this.resize("fit")).observe(this.panes[0].element)
  }

  field(name) {
    return this.root.querySelector(`[name="${name}"]`)
  }

  async show(data) {
    if (data.id === this.id) return
    const first = this.id === undefined
    this.id = data.id
    this.root.querySelector("[data-method]").textContent = data.method
    if (first) {
      this.field("opacity").value = data.opacity
      for (const name of ["truth", "map", "contour", "boxes"]) this.field(name).checked = data.layers.includes(name)
    }
    // The page says the IoU at its own threshold until one is chosen here.
    if (first) this.field("threshold").value = data.threshold
    const grey = data.image && (await greyOf(data.image, data.width, data.height))
    if (data.id !== this.id) return
    this.data = data
    this.size = [data.width, data.height]
    this.map = data.map && mapOf(data.map)
    for (const name of ["window", "level"]) this.field(name).disabled = !grey
    for (const name of ["opacity", "threshold", "map", "contour"]) this.field(name).disabled = !this.map
    this.panes[0].fill(data, grey, null)
    this.panes[1].fill(data, grey, this.map && colourOf(this.map, bytes(data.colours)))
    this.resize("fit")
    this.restyle("all")
  }

  restyle(name) {
    if (!this.data) return
    const layer = (which) => this.field(which).checked
    const threshold = Number(this.field("threshold").value)
    this.root.querySelector("[data-threshold]").textContent = threshold.toFixed(2)
    const truth = layer("truth") ? [...this.data.truth.map(rectangle), ...this.data.outlines.map(polyline)].join("") : ""
    const boxes = layer("boxes") ? this.data.boxes.map(rectangle).join("") : ""
    if (["all", "threshold", "contour"].includes(name))
      this.contour = this.map && layer("contour") ? contourOf(this.map, threshold, this.size) : ""
    this.panes[0].lines(truth, "")
    this.panes[1].lines(truth, boxes + this.contour)
    this.panes[1].setMap(layer("map") ? Number(this.field("opacity").value) : 0)
    if (["all", "window", "level"].includes(name)) {
      const table = windowed(Number(this.field("window").value), Number(this.field("level").value))
      for (const pane of this.panes) pane.setGrey(table)
    }
  }

  resize(how) {
    if (!this.size) return
    const { clientWidth: width, clientHeight: height } = this.panes[0].element
    const fit = Math.min(width / this.size[0], height / this.size[1])
    if (how === "in" || how === "out") return this.zoom(how === "in" ? 1.5 : 1 / 1.5, width / 2, height / 2)
    const scale = how === "fit" ? fit : 1
    this.view = {
      scale,
      x: (width - scale * this.size[0]) / 2,
      y: (height - scale * this.size[1]) / 2,
      fits: how === "fit",
    }
    this.move()
  }

  zoom(factor, x, y) {
    const { clientWidth: width, clientHeight: height } = this.panes[0].element
    const least = Math.min(width / this.size[0], height / this.size[1], 1) / 2
    const scale = Math.min(Math.max(this.view.scale * factor, least), MOST)
    const ratio = scale / this.view.scale
    this.view = { scale, x: x - ratio * (x - this.view.x), y: y - ratio * (y - this.view.y), fits: false }
    this.move()
  }

  pan(dx, dy) {
    this.view = { ...this.view, x: this.view.x + dx, y: this.view.y + dy, fits: false }
    this.move()
  }

  move() {
    for (const pane of this.panes) pane.move(this.view)
    this.field("scale").textContent = `${Math.round(100 * this.view.scale)} %`
  }

  listen(element) {
    const place = (event) => {
      const box = element.getBoundingClientRect()
      return [event.clientX - box.left, event.clientY - box.top]
    }
    element.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault()
        this.zoom(Math.exp(-0.0015 * event.deltaY), ...place(event))
      },
      { passive: false },
    )
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId)
      element.classList.add("dragged")
      this.pointers.set(event.pointerId, place(event))
    })
    element.addEventListener("pointermove", (event) => {
      const before = this.pointers.get(event.pointerId)
      if (!before) return
      const now = place(event)
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1]
      if (other) {
        const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1])
        this.zoom(apart(now) / Math.max(apart(before), 1), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2)
      } else this.pan(now[0] - before[0], now[1] - before[1])
      this.pointers.set(event.pointerId, now)
    })
    for (const name of ["pointerup", "pointercancel"])
      element.addEventListener(name, (event) => {
        this.pointers.delete(event.pointerId)
        element.classList.remove("dragged")
      })
    element.addEventListener("dblclick", () => this.resize("fit"))
    element.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }
      const sizes = { "+": "in", "=": "in", "-": "out", 0: "fit", 1: "one" }
      if (event.key in moves) this.pan(...moves[event.key])
      else if (event.key in sizes) this.resize(sizes[event.key])
      else return
      event.preventDefault()
      event.stopPropagation()
    })
  }
}

class Pane {
  constructor(element) {
    this.element = element
    element.innerHTML = `<div class="world" role="img"><canvas></canvas><canvas></canvas></div>`
    this.world = element.firstChild
    ;[this.image, this.overlay] = this.world.children
    const svg = element.appendChild(document.createElementNS(SVG, "svg"))
    svg.setAttribute("aria-hidden", "true")
    this.group = svg.appendChild(document.createElementNS(SVG, "g"))
    this.paths = ["rim", "truth", "rim", "method"].map((name) => {
      const path = this.group.appendChild(document.createElementNS(SVG, "path"))
      path.setAttribute("class", name)
      return path
    })
  }

  fill(data, grey, map) {
    const said = this.element.dataset.pane === "image" ? data.image_said : data.answer_said
    this.element.setAttribute("aria-label", `${said}; arrows move it, plus and minus make it larger and smaller`)
    // Within what takes keys, the picture is still one.
    this.world.setAttribute("aria-label", said)
    this.grey = grey
    this.image.width = data.width
    this.image.height = data.height
    this.overlay.hidden = !map
    if (map) {
      this.overlay.width = map.image.width
      this.overlay.height = map.image.height
      this.overlay.getContext("2d").putImageData(map.image, 0, 0)
      this.overlay.style.left = `${map.x}px`
      this.overlay.style.top = `${map.y}px`
    }
  }

  setGrey(table) {
    const context = this.image.getContext("2d")
    const { width, height } = this.image
    if (!this.grey) {
      context.fillStyle = "rgb(46, 46, 46)"
      return context.fillRect(0, 0, width, height)
    }
    const drawn = new ImageData(width, height)
    const pixels = new Uint32Array(drawn.data.buffer)
    for (let i = 0; i < pixels.length; i++) pixels[i] = table[this.grey[i]]
    context.putImageData(drawn, 0, 0)
  }

  setMap(opacity) {
    this.overlay.style.opacity = opacity
  }

  lines(truth, method) {
    ;[truth, truth, method, method].forEach((path, i) => this.paths[i].setAttribute("d", path))
  }

  move({ scale, x, y }) {
    this.world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`
    this.group.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`)
  }
}

const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))

async function greyOf(base64, width, height) {
  const image = await createImageBitmap(new Blob([bytes(base64)], { type: "image/png" }))
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext("2d", { willReadFrequently: true })
  context.drawImage(image, 0, 0)
  const { data } = context.getImageData(0, 0, width, height)
  const grey = new Uint8Array(width * height)
  for (let i = 0; i < grey.length; i++) grey[i] = data[4 * i]
  return grey
}

// Grey values from level - window / 2 to level + window / 2 become black to white.
function windowed(window, level) {
  const table = new Uint32Array(256)
  for (let i = 0; i < 256; i++) {
    const value = Math.round(255 * Math.min(Math.max((i / 255 - level) / window + 0.5, 0), 1))
    table[i] = (255 << 24) | (value << 16) | (value << 8) | value
  }
  return table
}

function mapOf({ values, rows, columns, x, y }) {
  return { values: new Float32Array(bytes(values).buffer), rows, columns, x, y }
}

// The map in colours at the pixels of the image that it covers: each cell holds those between its edges.
function colourOf({ values, columns, x, y }, colours) {
  const image = new ImageData(x.at(-1) - x[0], y.at(-1) - y[0])
  for (let row = 0; row + 1 < y.length; row++)
    for (let down = y[row]; down < y[row + 1]; down++)
      for (let column = 0; column + 1 < x.length; column++) {
        const index = 3 * Math.trunc(Math.min(Math.max(values[row * columns + column] * 255, 0), 255))
        for (let across = x[column]; across < x[column + 1]; across++) {
          const pixel = 4 * ((down - y[0]) * image.width + across - x[0])
          image.data.set([colours[index], colours[index + 1], colours[index + 2], 255], pixel)
        }
      }
  return { image, x: x[0], y: y[0] }
}

// The border of the cells above the threshold, as lines that go on around corners, so that they can be dashed.
function contourOf({ values, rows, columns, x, y }, threshold, [width, height]) {
  const least = Math.fround(threshold)
  const inside = (row, column) =>
    row >= 0 && column >= 0 && row < rows && column < columns && values[row * columns + column] > least
  const next = new Map()
  const vertex = (row, column) => row * (columns + 1) + column
  const add = (from, to) => next.set(from, [...(next.get(from) ?? []), to])
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      if (!inside(row, column)) continue
      // The picture's edge is no border of the region.
      if (!inside(row - 1, column) && y[row] > 0) add(vertex(row, column), vertex(row, column + 1))
      if (!inside(row, column + 1) && x[column + 1] < width) add(vertex(row, column + 1), vertex(row + 1, column + 1))
      if (!inside(row + 1, column) && y[row + 1] < height) add(vertex(row + 1, column + 1), vertex(row + 1, column))
      if (!inside(row, column - 1) && x[column] > 0) add(vertex(row + 1, column), vertex(row, column))
    }
  // A line that ends at the picture's edge starts where nothing leads to.
  const led = new Set([...next.values()].flat())
  const starts = [...next.keys()].filter((one) => !led.has(one))
  const said = (one) => `${x[one % (columns + 1)]} ${y[Math.floor(one / (columns + 1))]}`
  let path = ""
  for (const start of [...starts, ...next.keys()]) {
    for (let at = start, to; (to = next.get(at)?.pop()) !== undefined; at = to)
      path += at === start && !path.endsWith(said(at)) ? `M${said(at)}L${said(to)}` : `L${said(to)}`
  }
  return path
}

const rectangle = ([x0, y0, x1, y1]) => `M${x0} ${y0}H${x1}V${y1}H${x0}Z`
const polyline = (points) => "M" + points.map(([x, y]) => `${x} ${y}`).join("L")

// Small drawings: a curve of the last minute, a vector as a strip of colours.

const svg = "http://www.w3.org/2000/svg";

function shape(name, attributes) {
  const element = document.createElementNS(svg, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

const round = (value) => Math.round(value * 100) / 100;

// From nothing at the bottom to the largest value at the top; the newest value is at the right.
// Null is a gap. `slots` values fit.
export function drawCurve(element, values, slots = 60) {
  const [width, height, margin] = [240, 48, 2];
  const top = Math.max(...values.map((value) => value ?? 0), 0) || 1;
  const x = (index) => round(((slots - values.length + index) * width) / (slots - 1));
  const y = (value) => round(height - margin - (value / top) * (height - 2 * margin));
  let line = "";
  let area = "";
  let begun = null;
  values.forEach((value, index) => {
    if (value === null) return;
    begun ??= index;
    line += `${begun === index ? "M" : "L"}${x(index)} ${y(value)}`;
    const ends = index === values.length - 1 || values[index + 1] === null;
    if (!ends) return;
    // A lone value has no line to either side, so it gets a short one.
    if (begun === index) line += `h-${round(width / slots / 2)}`;
    area += points(values, begun, index, x, y, height);
    begun = null;
  });
  element.setAttribute("viewBox", `0 0 ${width} ${height}`);
  element.setAttribute("preserveAspectRatio", "none");
  element.replaceChildren(
    shape("path", { class: "floor", d: `M0 ${height - 0.5}H${width}` }),
    shape("path", { class: "area", d: area }),
    shape("path", { class: "line", d: line }),
  );
}

function points(values, first, last, x, y, height) {
  let path = `M${x(first)} ${height}`;
  for (let index = first; index <= last; ++index) path += `L${x(index)} ${y(values[index])}`;
  return `${path}L${x(last)} ${height}Z`;
}

// One cell for each float: nothing is the background, the largest the full colour of its sign.
export function drawVector(canvas, vector) {
  const columns = Math.min(vector.length, 96);
  const rows = Math.ceil(vector.length / columns);
  const style = getComputedStyle(canvas);
  const colours = [style.getPropertyValue("--negative"), style.getPropertyValue("--positive")];
  const largest = Math.max(...vector.map(Math.abs)) || 1;
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  vector.forEach((value, index) => {
    context.globalAlpha = Math.sqrt(Math.abs(value) / largest);
    context.fillStyle = colours[value < 0 ? 0 : 1];
    context.fillRect(index % columns, Math.floor(index / columns), 1, 1);
  });
}

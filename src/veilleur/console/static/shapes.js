// Middles and directions. Headings are written in shares of the picture, angles are seen in it.

/** The middle of a polygon's area; of its points where it has none. */
export function middleOf(points) {
  let [area, x, y] = [0, 0, 0];
  points.forEach(([ax, ay], index) => {
    const [bx, by] = points[(index + 1) % points.length];
    const part = ax * by - bx * ay;
    area += part;
    x += (ax + bx) * part;
    y += (ay + by) * part;
  });
  if (Math.abs(area) < 1e-9) {
    const sum = points.reduce(([sx, sy], [px, py]) => [sx + px, sy + py], [0, 0]);
    return sum.map((one) => one / (points.length || 1));
  }
  return [x / (3 * area), y / (3 * area)].map((one) => Number(Math.min(1, Math.max(0, one)).toFixed(4)));
}

/** Degrees clockwise from up, as seen in the picture. */
export function angleOf([right, down], { width, height }) {
  return ((Math.atan2(right * width, -down * height) * 180) / Math.PI + 360) % 360;
}

/** A direction in pixels as a heading of length 1. */
export function headingOf([right, down], { width, height }) {
  const [x, y] = [right / width, down / height];
  const long = Math.hypot(x, y) || 1;
  return [x / long, y / long].map((one) => Number(one.toFixed(4)));
}

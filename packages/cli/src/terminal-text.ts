// eslint-disable-next-line no-control-regex -- escape sequences start with a control character
const ESCAPE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
// eslint-disable-next-line no-control-regex -- finding control characters is what it is for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const ZERO = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** Nearly every text that is printed: nothing in it needs a closer look. */
const PRINTABLE_ASCII = /^[ -~]*$/;

/**
 * Text from outside (a mirror, a package, a command) made safe to print: no escape sequence, control character or change of
 * writing direction is left. New lines and tabs stay.
 */
export function plainText(text: string): string {
  return PRINTABLE_ASCII.test(text) ? text : text.replace(ESCAPE, '').replace(CONTROL, '');
}

/** Columns that a text takes on a terminal; escape sequences take none, East Asian wide characters two. */
export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text.replace(ESCAPE, '')) width += ZERO.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Cuts a text without escape sequences to `columns`, ending in `…` when something was cut. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const character of text) {
    const next = displayWidth(character);
    if (width + next > columns - 1) break;
    kept += character;
    width += next;
  }
  return columns > 0 ? `${kept}…` : '';
}

/** Pads on the right to `columns`. */
export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)));
}

/**
 * Rows as columns that line up, two blanks between; the last column is not padded. A list of a cache has a hundred thousand rows: widths are
 * measured twice rather than kept, and loops count, because iterators and what they make cost more than all else here.
 */
export function table(rows: readonly (readonly string[])[], options: { readonly right?: readonly number[] } = {}): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (let column = 0; column < row.length; column++) {
      const size = displayWidth(row[column] as string);
      if (size > (widths[column] ?? -1)) widths[column] = size;
    }
  }
  const right = widths.map((_width, column) => options.right?.includes(column) === true);
  const blanks = ' '.repeat(Math.max(0, ...widths));
  return rows.map((row) => {
    let line = '';
    for (let column = 0; column < row.length; column++) {
      const cell = row[column] as string;
      const gap = blanks.slice(0, (widths[column] as number) - displayWidth(cell));
      if (column > 0) line += '  ';
      line += right[column] === true ? gap + cell : column === row.length - 1 ? cell : cell + gap;
    }
    return line.trimEnd();
  });
}

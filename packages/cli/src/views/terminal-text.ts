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

/** Rows as columns that line up, two blanks between; the last column is not padded. */
export function table(rows: readonly (readonly string[])[], options: { readonly right?: readonly number[] } = {}): readonly string[] {
  // Not Math.max of all: a call takes no hundred thousand arguments, and a removal may have as many rows.
  const width = rows.reduce((widest, row) => Math.max(widest, row.length), 0);
  const cells = Array.from({ length: width }, (_none, column) => ({
    text: (row: readonly string[]): string => row[column] ?? '',
    right: options.right?.includes(column) === true,
  }));
  return [...columns(rows, cells)];
}

/**
 * A {@link table} where the terminal is as wide as that, else two lines for each row: its first cells, and below them the others.
 *
 * @param width columns of the terminal; undefined where nobody knows, as in a file.
 * @param first how many cells stand in the first line.
 */
export function tableWithin(
  width: number | undefined,
  rows: readonly (readonly string[])[],
  { first, ...options }: { readonly first: number; readonly right?: readonly number[] },
): readonly string[] {
  const lines = table(rows, options);
  if (width === undefined || lines.every((line) => displayWidth(line) <= width)) return lines;
  const joined = (cells: readonly string[]): string => cells.filter((cell) => cell !== '').join('  ');
  return rows.flatMap((row) => [joined(row.slice(0, first)), `      ${joined(row.slice(first))}`]);
}

/** A column of {@link columns}. */
export interface Column<T> {
  readonly head?: string;
  /** Asked twice for each item: for the width of the column, and for the line. */
  readonly text: (item: T) => string;
  readonly right?: boolean;
}

/** A list, such as an array, or one that makes its items when it is asked for them. */
export interface Items<T> {
  readonly length: number;
  at(index: number): T | undefined;
}

/**
 * Items as lines of a {@link table}, below a line of heads where columns have any. A list of a cache has a hundred thousand: items and texts
 * are asked for twice rather than kept, widths are measured once, and loops count, because iterators and what they make cost more than all
 * else here.
 */
export function* columns<T>(items: Items<T>, shown: readonly Column<T>[]): Generator<string, void, undefined> {
  const heads = shown.some(({ head }) => head !== undefined) ? [shown.map(({ head = '' }) => head)] : [];
  const widths = shown.map(({ head = '' }) => displayWidth(head));
  const sizes = new Uint32Array(items.length * shown.length);
  for (let row = 0, cell = 0; row < items.length; row++) {
    const item = items.at(row) as T;
    for (let at = 0; at < shown.length; at++, cell++) {
      const size = displayWidth((shown[at] as Column<T>).text(item));
      sizes[cell] = size;
      if (size > (widths[at] as number)) widths[at] = size;
    }
  }
  const blanks = ' '.repeat(widths.reduce((sum, width) => sum + width + 2, 0));
  const line = (textOf: (column: number) => string, sizeOf: (column: number) => number): string => {
    let text = '';
    let gap = 0;
    for (let at = 0; at < shown.length; at++) {
      const missing = (widths[at] as number) - sizeOf(at);
      const right = shown[at]?.right === true;
      const cell = textOf(at);
      if (right) gap += missing;
      if (cell !== '') {
        text += blanks.slice(0, gap) + cell;
        gap = 0;
      }
      gap += right ? 2 : missing + 2;
    }
    return text;
  };
  for (const names of heads) {
    yield line(
      (at) => names[at] as string,
      (at) => displayWidth(names[at] as string),
    );
  }
  for (let row = 0; row < items.length; row++) {
    const item = items.at(row) as T;
    yield line(
      (at) => (shown[at] as Column<T>).text(item),
      (at) => sizes[row * shown.length + at] as number,
    );
  }
}

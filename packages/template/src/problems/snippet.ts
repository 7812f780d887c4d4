import { coverSecrets } from '../sections/secret-text.js';

/** Longest part of a source line that a snippet shows. */
const WIDTH = 120;
/** How far before that part a secret key is looked for, and after it the end of a password. */
const BEYOND = 4096;

/**
 * The source line with a caret under the column, ready to print. Long lines are cut around the column, and characters that
 * could steer a terminal are replaced. Values of keys that hold secrets are covered.
 *
 * @param line counts from 1
 * @param column counts from 1, in UTF-16 units
 */
export function sourceSnippet(source: string, line: number, column: number): string {
  const start = column > WIDTH - 20 ? column - WIDTH / 2 : 0;
  const from = Math.max(0, start - BEYOND);
  const shown = coverSecrets(source.slice(from, start + WIDTH + BEYOND))
    .slice(start - from, start - from + WIDTH)
    .replace(/[^\P{C}\t]/gu, '\uFFFD');
  const before = shown.slice(0, column - 1 - start).replace(/[^\t]/g, ' ');
  const number = String(line);
  return `${number} | ${shown}\n${' '.repeat(number.length)} | ${before}^`;
}

import type { Colors } from './terminal.js';
import { plainText } from './terminal-text.js';

/** What a build looks for before all steps: the finished image. */
export const IMAGE_STEP = 'ict.image';

/** A step in one line, the same for a build, its audit and its explanation: `hit  NAME`, or `miss NAME: why`. */
export function stepText(verdict: 'hit' | 'miss' | 'open' | 'same' | 'diff', step: string, reason: string, colors: Colors): string {
  const word = (verdict === 'hit' || verdict === 'same' ? colors.green : colors.yellow)(verdict.padEnd(4));
  return `${word} ${plainText(step)}${reason === '' ? '' : `: ${plainText(reason)}`}\n`;
}

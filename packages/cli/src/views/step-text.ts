import type { Colors } from './terminal.js';
import { plainText } from './terminal-text.js';

/** What a build looks for before all steps: the finished image. */
export const IMAGE_STEP = 'ict.image';

type Verdict = 'hit' | 'miss' | 'open' | 'same' | 'diff' | 'send' | 'sent';

const good: ReadonlySet<Verdict> = new Set<Verdict>(['hit', 'same', 'send', 'sent']);

/** A step in one line, the same for a build, its audit and its explanation: `hit  NAME`, or `miss NAME: why`. */
export function stepText(verdict: Verdict, step: string, reason: string, colors: Colors): string {
  const word = (good.has(verdict) ? colors.green : colors.yellow)(verdict.padEnd(4));
  return `${word} ${plainText(step)}${reason === '' ? '' : `: ${plainText(reason)}`}\n`;
}

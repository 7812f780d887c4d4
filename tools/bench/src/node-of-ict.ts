import { readFileSync } from 'node:fs';
import { ICT } from './workspace.js';

/** The beginning of a command line that runs a program of this package in a Node with the settings that `ict` gives its own. */
export function nodeOfIct(): readonly string[] {
  const text = readFileSync(ICT, 'utf8');
  const malloc = found(text, /^malloc=(\S+)$/m);
  const setting = found(text, /^exec "\$node" (--\S+) "\$entry"/m);
  return ['env', `GLIBC_TUNABLES=${malloc}`, process.execPath, setting];
}

function found(text: string, pattern: RegExp): string {
  const match = pattern.exec(text)?.[1];
  if (match === undefined) throw new Error(`${ICT} has nothing that matches ${pattern}`);
  return match;
}

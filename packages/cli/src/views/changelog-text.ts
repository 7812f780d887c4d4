import type { ChangelogEntry } from '@ict/plugin-api';
import type { Colors } from './terminal.js';
import { plainText } from './terminal-text.js';

/** The changelog of a package as indented lines: of each entry the day, version and author, then what it says. */
export function changelogRows(entries: readonly ChangelogEntry[], colors: Colors): readonly string[] {
  if (entries.length === 0) return ['  The repository has no changelog of it.'];
  return [
    '  Changelog, the newest first:',
    ...entries.flatMap(({ date, version, author, text }) => {
      const words = [date, version, author].flatMap((word) => (word === undefined || word === '' ? [] : [plainText(word)]));
      const lines = plainText(text).split('\n');
      return [`  ${colors.bold(words.length === 0 ? 'undated' : words.join(' '))}`, ...lines.map((line) => `    ${line}`.trimEnd())];
    }),
  ];
}

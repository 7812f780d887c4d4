import type { PackageMatch } from '@ict/core';
import { lockOptions, withEngine } from '../engine-session.js';
import type { SearchFlags } from '../question-commands.js';
import { formatCount } from '../views/quantity.js';
import type { Session } from '../session.js';
import type { Colors } from '../views/terminal.js';
import { plainText } from '../views/terminal-text.js';

/** `ict search`: 1 when nothing is found. */
export async function search(session: Session, template: string, words: readonly string[], flags: SearchFlags): Promise<number> {
  const options = { ...lockOptions(session, flags), ...(flags.limit === undefined ? {} : { limit: flags.limit }) };
  const document = await withEngine(session, flags, (engine) => engine.search(template, words, options));
  session.document(document);
  const { packages, found, nearest } = document;
  if (packages.length > 0) {
    session.result(packages.map((match) => `${matchText(match, session.terminal.resultColors)}\n`).join(''));
    const rest = found > packages.length ? `; the first ${packages.length} are shown, --limit ${found} shows all` : '';
    session.note(`${formatCount(found, 'package')} with ${quoted(words, 'and')}${rest}\n`);
    return 0;
  }
  const literal = words.some((word) => PATTERN.test(word)) ? '; words are looked for as they are written, and not as patterns' : '';
  const offer = nearest.length === 0 ? '' : `; did you mean ${quoted(nearest, 'or')}?`;
  session.note(`no package has ${quoted(words, 'and')}${literal}${offer}\n`, 'warn');
  return 1;
}

/** What those write who are used to `apt search` (regular expressions) and `dnf search` (globs). */
const PATTERN = /[*?^$|[\]\\]/;

function quoted(words: readonly string[], join: string): string {
  return words.map((word) => JSON.stringify(plainText(word))).join(` ${join} `);
}

/** Two lines a package, as apt prints them: name and versions, then the summary. */
function matchText({ name, summary, versions, chosen }: PackageMatch, colors: Colors): string {
  const places = [
    ...new Set(
      versions.map(({ version, repository, withheld }) => {
        const but = withheld === undefined ? '' : `, ${colors.yellow(plainText(withheld))}`;
        return `${plainText(version)} (${plainText(repository)}${but})`;
      }),
    ),
  ];
  const mark = chosen === undefined ? '' : `  ${colors.green(`in the image: ${plainText(chosen)}`)}`;
  return `${colors.bold(plainText(name))} ${places.join(', ')}${mark}\n  ${plainText(summary)}`;
}

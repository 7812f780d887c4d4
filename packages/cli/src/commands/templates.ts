import type { Session } from '../session.js';
import { matchesWords, shippedTemplates } from '../shipped-templates.js';
import { plainText, table } from '../views/terminal-text.js';

/** `ict templates`: those that come with ict and have all words, and where their files are; 1 when none has. */
export async function templates(session: Session, words: readonly string[]): Promise<number> {
  const found = (await shippedTemplates()).filter((template) => matchesWords(template, words));
  session.document({ templates: found });
  const { resultColors: colors } = session.terminal;
  const rows = found.map(({ name, file, dist, arch, imageType, description }) => [
    name,
    `${dist} ${arch} ${imageType}`,
    plainText(file),
    colors.dim(plainText(description)),
  ]);
  if (found.length > 0) session.result(`${table(rows).join('\n')}\n`);
  else session.note(`no template has ${words.map((word) => JSON.stringify(word)).join(' and ')}\n`, 'warn');
  return found.length > 0 ? 0 : 1;
}

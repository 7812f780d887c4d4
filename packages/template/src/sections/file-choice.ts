import type { FileChoice } from '@ict/plugin-api';
import type { Path } from '../documents/path.js';
import type { Report } from '../problems/report.js';
import type { Template } from '../schema/template.js';

/** Stands for every language, where the list of a definition is to be replaced. */
const ALL = 'all';

/**
 * Which files of packages a template wants. A language of a country or script brings the one without, whose translations stand in for
 * those that it lacks. The order of the list means nothing.
 *
 * @param at path of the list of languages.
 * @returns undefined for all files.
 */
export function readFileChoice(
  { documentation = true, languages = [] }: Pick<NonNullable<Template['systemConfig']>, 'documentation' | 'languages'>,
  at: Path,
  error: Report,
): FileChoice | undefined {
  const all = languages.indexOf(ALL);
  if (all !== -1 && languages.length > 1)
    error('ICT_DOCUMENT_BAD_VALUE', [...at, all], `"${ALL}" stands beside other languages`, 'Keep one or the other.');
  const chosen = all === -1 ? [...new Set(languages.flatMap(withGeneral))].sort() : [];
  if (documentation && chosen.length === 0) return undefined;
  return { ...(documentation ? {} : { documentation }), ...(chosen.length === 0 ? {} : { languages: chosen }) };
}

/** `sr_RS@latin` with `sr_RS` and `sr`: where programs look for a translation, one after another. */
function withGeneral(language: string): readonly string[] {
  const [place] = language.split('@');
  const [bare] = place.split('_');
  return [language, place, bare];
}

import type { YAMLError } from 'yaml';
import { MAX_DEPTH } from './yaml-bounds.js';

export const TOO_DEEP = `values are nested more than ${MAX_DEPTH} levels deep`;

/** Our words where the parser repeats text of the file: it may be part of a secret, and the source line shows it as far as may be. */
const WORDS: Readonly<Partial<Record<YAMLError['code'], { readonly message: string; readonly hint?: string }>>> = {
  MULTIPLE_DOCS: {
    message: 'the file has more than one document',
    hint: 'Make a file of each, and remove the line "---" between them.',
  },
  TAG_RESOLVE_FAILED: { message: 'the tag before the value has no meaning here', hint: 'Write a text that begins with "!" in quotes.' },
  BAD_ALIAS: { message: 'the alias cannot be read', hint: 'Write a text that begins with "*" in quotes.' },
  BAD_DQ_ESCAPE: { message: 'the escape sequence has no meaning', hint: 'Write a backslash as two, or use single quotes.' },
  BAD_DIRECTIVE: { message: 'the directive is not known', hint: 'Lines that begin with "%" are directives; remove it.' },
};

/** What the parser found, without text of the file, in the style of our messages. */
export function parserProblem({ code, message }: Pick<YAMLError, 'code' | 'message'>): {
  readonly message: string;
  readonly hint?: string;
} {
  // The parser recurses, and reports an exhausted stack like a mistake of the file.
  if (/call stack/i.test(message)) return { message: TOO_DEEP };
  const own = WORDS[code];
  if (own !== undefined) return own;
  const [, bracket] = /end with a? ?([}\]])$/.exec(message) ?? [];
  if (bracket !== undefined) return { message: `the closing "${bracket}" is missing` };
  if (code === 'UNEXPECTED_TOKEN' && /at node end/.test(message)) {
    return { message: 'more text follows the end of a value', hint: 'Put the whole text in quotes.' };
  }
  const [first = message] = message.split('\n');
  // What comes after a colon is what stands in the file.
  const said = (code === 'UNEXPECTED_TOKEN' ? first.replace(/:.*$/s, '') : first).trim().replace(/\.$/, '');
  return { message: said.charAt(0).toLowerCase() + said.slice(1) };
}

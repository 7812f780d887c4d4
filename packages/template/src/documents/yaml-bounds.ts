import { Lexer } from 'yaml';

/** How deep values may be nested. */
export const MAX_DEPTH = 64;
/** Tokens that a file may have: twenty times those of a long template. Reading more would take longer than anyone waits. */
const MAX_TOKENS = 40_000;
/** Marks of the lexer that stand for no text: start of a document, an error inside brackets, a plain value. */
const MARKS = new Set(['\u0002', '\u0018', '\u001f']);

/** What makes a text too expensive to parse, found without parsing it; undefined when nothing does. */
export function beyondBounds(text: string): { readonly what: string; readonly offset: number } | undefined {
  let offset = 0;
  let tokens = 0;
  let depth = 0;
  let value = false;
  for (const token of new Lexer().lex(text)) {
    if (++tokens > MAX_TOKENS) return { what: `the file has more than ${MAX_TOKENS} words and signs`, offset };
    if (!value && (token === '[' || token === '{') && ++depth > MAX_DEPTH) {
      return { what: `values are nested more than ${MAX_DEPTH} levels deep`, offset };
    }
    if (!value && (token === ']' || token === '}')) depth--;
    // What follows its mark is a value, whatever it looks like.
    value = token === '\u001f';
    if (!MARKS.has(token)) offset += token.length;
  }
  return undefined;
}

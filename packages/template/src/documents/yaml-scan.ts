import { type Alias, type Document, isAlias, isMap, isScalar, type Node, type Pair, visit } from 'yaml';
import { isSecretKey } from '../sections/secret-text.js';

/** Part of a text, from one offset up to another. */
export type TextRange = readonly [number, number];

/** What is known of a parsed document before it is read. */
export interface DocumentScan {
  /** What each alias stands for: the last anchor of its name before it. */
  readonly targets: ReadonlyMap<Alias, Node>;
  /** Where values of secret keys are. */
  readonly secrets: readonly TextRange[];
  /** The text in quotes that the file ends in, because its quote does not close. */
  readonly openQuote: { readonly start: number } | undefined;
}

/** Looks through a document once, so that no alias has to be searched for again. @throws `RangeError` when it is nested too deeply. */
export function scanDocument(document: Document): DocumentScan {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  const secrets: unknown[] = [];
  const quotes: number[] = [];
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) targets.set(node, target);
      } else if (isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE')) quotes.push(node.range?.[0] ?? 0);
      if (!isAlias(node) && node.anchor !== undefined) anchors.set(node.anchor, node);
    },
    Pair: (_key, pair) => void secrets.push(...secretValues(pair)),
  });
  const hidden = secrets.flatMap((node) => (isAlias(node) ? [node, targets.get(node)] : [node])) as readonly (Node | null | undefined)[];
  const unclosed = document.errors.find(({ code, message }) => code === 'MISSING_CHAR' && message.includes('quote'));
  const openQuote = unclosed === undefined ? undefined : { start: quotes.findLast((start) => start < unclosed.pos[0]) ?? unclosed.pos[0] };
  return { openQuote, targets, secrets: hidden.flatMap((node) => (node?.range ? [[node.range[0], node.range[1]] as const] : [])) };
}

/** The value of a secret key; of the declaration of a variable that is to be secret, its default. */
function secretValues({ key, value }: Pair): readonly unknown[] {
  if (isMap(value) && value.has('secret')) return value.get('secret', true)?.value === false ? [] : [value.get('default', true)];
  return isScalar(key) && isSecretKey(String(key.value)) ? [value] : [];
}

import type { Seed } from '@ict/plugin-api';
import { isPattern } from './name-pattern.js';

const WHO: Readonly<Record<string, string>> = {
  template: 'the template',
  essential: 'the base system',
  kernel: 'the choice of kernel',
  bootloader: 'the choice of boot loader',
  tools: 'the tools tree',
  question: 'the question',
  // Of `ict why-not`: to leave it out would be no answer.
  'why-not': 'the question',
};

type Asker = Pick<Seed, 'reason' | 'byDefault'>;

/** Items that are shown when there are more than one can read. */
const SHOWN = 5;

/** Who asks for a package: `the template`. */
function whoAsks(seed: Asker): string {
  return isOfDefinition(seed) ? 'the definition of the distribution' : (WHO[seed.reason] ?? seed.reason);
}

/** Of its packages a template can leave none out, whether or not it names them as well. */
function isOfDefinition({ reason, byDefault }: Asker): boolean {
  return reason === 'template' && byDefault === true;
}

/** `the template asks for nginx (image.yml:12)`. */
export function tellRequest(seed: Seed): string {
  const { position, request } = seed;
  const place = position === undefined || isOfDefinition(seed) ? '' : ` (${position.file}:${position.line})`;
  return `${whoAsks(seed)} asks for ${request}${place}`;
}

/**
 * The same with the packages that are meant, where the request itself does not name the one: `the template asks for mta, which can be postfix 1 or exim 1`,
 * and of a pattern, which asks for each that it matches, `the template asks for lib-*, and so for lib-a 1`.
 */
export function tellMeant(seed: Seed, packages: readonly string[]): string {
  const [name = ''] = seed.request.split('=');
  const isEach = isPattern(name) && !name.startsWith('/');
  return `${tellRequest(seed)}, ${isEach ? 'and so for' : 'which can be'} ${inSentence(packages, 'or')}`;
}

/**
 * What follows the name of what is asked for: nothing where the user wrote it, else who asks for it. `, which the base system asks for`.
 *
 * @param rest of the sentence.
 */
export function askedBy(seed: Asker, rest = ''): string {
  if (!isOfDefinition(seed) && ['template', 'question', 'why-not'].includes(seed.reason)) return rest;
  return `, which ${whoAsks(seed)} asks for${rest === '' ? '' : ','}${rest}`;
}

/** Items in a sentence: `a`, `a and b`, `a, b and c`; of many only the first. */
export function inSentence(items: readonly string[], word: 'and' | 'or'): string {
  const shown = items.length > SHOWN + 1 ? [...items.slice(0, SHOWN), `${items.length - SHOWN} more`] : items;
  return shown.length < 2 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} ${word} ${shown.at(-1)}`;
}

/** `Did you mean "a" or "b"?`; undefined when no name is near. */
export function askIfMeant(near: readonly string[]): string | undefined {
  return near.length === 0 ? undefined : `Did you mean ${near.map((each) => `"${each}"`).join(' or ')}?`;
}

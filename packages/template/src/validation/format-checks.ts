import type { Format } from 'ajv';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { formats } from '../format.js';

/** The formats of our schemas by name, as the compiler takes them and as compiled validators ask for them. */
export const formatChecks: Readonly<Record<string, Format>> = {
  ...Object.fromEntries(Object.entries(formats).map(([name, { check }]) => [name, { type: 'string' as const, validate: check }])),
  uri: fullFormats.uri,
};

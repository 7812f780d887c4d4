import { sectionOf, type ImageSpec, type Json } from '@ict/plugin-api';
import type { CodeIdentity } from './code-identity.js';

/** A specification as one plugin sees it: of what the template says to plugins, only what it says to this one. */
export function specFor(spec: ImageSpec, { name }: CodeIdentity): ImageSpec {
  const own = sectionOf<Json>(spec, name);
  return { ...spec, sections: own === undefined ? {} : { [name]: own } };
}

import { describe, expect, it } from 'vitest';
import type { ImageSpec } from '@ict/plugin-api';
import { cacheUse } from '../src/build.js';

const template = (packages: boolean, images: boolean): Pick<ImageSpec, 'caches'> => ({ caches: { packages, images } });
const storage = (packages: boolean, images: boolean) => ({ packageCache: { enabled: packages }, imageCache: { enabled: images } });

describe('which caches a build uses', () => {
  const both = [true, false];
  const asked = [undefined, true, false];
  it.each(both.flatMap((config) => both.flatMap((spec) => asked.map((flag) => [config, spec, flag] as const))))(
    'configuration %s, template %s, flag %s',
    (config, spec, flag) => {
      const expected = flag ?? (config && spec);
      const flags = flag === undefined ? {} : { packages: flag };
      expect(cacheUse(flags, storage(config, true), template(spec, true))).toEqual({ packages: expected, images: true, layers: true });
      const others = flag === undefined ? {} : { images: flag };
      expect(cacheUse(others, storage(true, config), template(true, spec))).toEqual({ packages: true, images: expected, layers: true });
    },
  );

  it('layers, unless the flag says otherwise', () => {
    expect(cacheUse({ layers: false }, storage(true, true), template(true, true)).layers).toBe(false);
  });
});

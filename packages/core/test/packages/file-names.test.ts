import type { Digest, ResolvedPackage } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { FileNames } from '../../src/packages/file-names.js';

function pkg(name: string, digit: string): ResolvedPackage {
  const digest = `sha256:${digit.repeat(64)}` as Digest;
  return {
    id: `${name}:any`,
    name,
    version: '1',
    arch: 'any',
    repository: 'main',
    path: name,
    digest,
    sizeBytes: 1,
    requires: [],
    requestedBy: [],
  };
}

describe('file names of packages', () => {
  it('are those of the provider, as often as one asks', () => {
    const names = new FileNames({ ecosystem: 'toy', fileName: ({ name }) => `${name}.toy` });
    expect([pkg('base', '1'), pkg('web', '2'), pkg('base', '1')].map((one) => names.of(one))).toEqual(['base.toy', 'web.toy', 'base.toy']);
  });

  it('are no two packages the same: one would be installed in place of the other', () => {
    const names = new FileNames({ ecosystem: 'toy', fileName: () => 'package' });
    names.of(pkg('web', '1'));
    expect(() => names.of(pkg('base', '2'))).toThrow(
      expect.objectContaining({ code: 'ICT_PLUGIN_FAILED', message: expect.stringContaining('base:any 1 and web:any 1') as string }),
    );
  });
});

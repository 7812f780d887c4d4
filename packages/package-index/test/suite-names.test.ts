import { describe, expect, it } from 'vitest';
import type { Snapshot } from '@ict/plugin-api';
import { suiteNames } from '../src/suite-names.js';

describe('suiteNames', () => {
  it('are suite, codename, version and id, as far as there are any', () => {
    const of = (repository: object, root: object) => suiteNames({ repository, root } as unknown as Snapshot);
    expect(of({ id: 'main', suite: 'stable' }, { suite: 'stable', codename: 'trixie', version: '13.2' })).toEqual([
      'stable',
      'stable',
      'trixie',
      '13.2',
      'main',
    ]);
    expect(of({ id: 'flat', suite: '' }, {})).toEqual(['flat']);
  });
});

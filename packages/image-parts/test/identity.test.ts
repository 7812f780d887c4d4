import { describe, expect, it } from 'vitest';
import { SEED } from '@ict/fixtures';
import { diskGuid, partitionIdentity, volumeUuid } from '../src/identity.js';

describe('identities', () => {
  it('differ by partition and use, and follow from the seed', () => {
    const all = [diskGuid(SEED).toLowerCase(), ...['a', 'b'].flatMap((id) => Object.values(partitionIdentity(SEED, id)))];
    expect(new Set(all).size).toBe(all.length);
    expect(partitionIdentity(SEED, 'a')).toEqual(partitionIdentity(SEED, 'a'));
    expect(partitionIdentity(SEED, 'a').volumeId).toMatch(/^[0-9A-F]{8}$/u);
    expect(volumeUuid('ABCD1234')).toBe('ABCD-1234');
  });
});

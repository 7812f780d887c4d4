import { partitionTypes } from '@ict/template';
import { describe, expect, it } from 'vitest';
import { canonicalPartitionType, partitionTypeGuid, partitionTypeNames } from '../src/partition-types.js';

describe('partition types', () => {
  it.each(partitionTypes)('%s, which templates may name, has a GUID', (name) => {
    expect(partitionTypeGuid(name)).toMatch(/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
  });

  it('knows other spellings, and nothing that is no type', () => {
    expect(canonicalPartitionType('swap')).toBe('linux-swap');
    expect(partitionTypeGuid('swap')).toBe(partitionTypeGuid('linux-swap'));
    expect(partitionTypeGuid('toString')).toBeUndefined();
    expect(partitionTypeNames).not.toContain('swap');
  });
});

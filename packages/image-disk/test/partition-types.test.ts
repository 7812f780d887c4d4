import { canonicalPartitionType, isUuid, partitionTypeGuid, partitionTypeName, partitionTypeNames } from '@ict/image-parts';
import { partitionTypes } from '@ict/template';
import { describe, expect, it } from 'vitest';

describe('partition types', () => {
  it.each(partitionTypes)('%s, which templates may name, has a GUID', (name) => {
    expect(partitionTypeGuid(name)).toMatch(/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
  });

  it('all have one that can be stored', () => {
    expect(partitionTypeNames.filter((name) => !isUuid(partitionTypeGuid(name) as string))).toEqual([]);
  });

  it('are known by their GUID again', () => {
    expect(partitionTypeName(partitionTypeGuid('linux-home') as string)).toBe('linux-home');
    expect(partitionTypeName('00000000-0000-0000-0000-000000000001')).toBeUndefined();
  });

  it('knows other spellings, and nothing that is no type', () => {
    expect(canonicalPartitionType('swap')).toBe('linux-swap');
    expect(partitionTypeGuid('swap')).toBe(partitionTypeGuid('linux-swap'));
    expect(partitionTypeGuid('toString')).toBeUndefined();
    expect(partitionTypeNames).not.toContain('swap');
    expect(partitionTypeGuid('home')).toBe(partitionTypeGuid('linux-home'));
    expect(partitionTypeGuid('ESP')).toBeUndefined();
  });
});

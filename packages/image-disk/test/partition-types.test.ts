import {
  canonicalPartitionType,
  isUuid,
  mbrPartitionType,
  mbrPartitionTypeName,
  partitionTypeGuid,
  partitionTypeName,
  partitionTypeNames,
} from '@ict/image-parts';
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

  it('all but that for a BIOS have a byte in an MBR, which names those that are not of Linux alone again', () => {
    expect(partitionTypes.filter((name) => mbrPartitionType(name) === undefined)).toEqual(['bios']);
    expect(['esp', 'swap', 'linux', 'linux-root-amd64', 'lvm', 'toString'].map(mbrPartitionType)).toEqual([
      0xef,
      0x82,
      0x83,
      0x83,
      0x8e,
      undefined,
    ]);
    expect([0xef, 0x82, 0x83, 0x07].map(mbrPartitionTypeName)).toEqual(['esp', 'linux-swap', 'linux', undefined]);
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

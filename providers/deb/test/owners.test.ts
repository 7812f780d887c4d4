import { describe, expect, it } from 'vitest';
import { memoryTree } from '@ict/plugin-testkit';
import { createInventory } from '../src/install/inventory.js';

const tree = memoryTree({
  files: {
    '/var/lib/dpkg/info/jq.list': '/.\n/usr\n/usr/bin/jq\n',
    '/var/lib/dpkg/info/libjq1:amd64.list': '/.\n/usr\n/usr/lib/libjq.so.1\n',
    '/var/lib/dpkg/info/jq.md5sums': '00 /usr/bin/jq\n',
  },
});

describe('owners', () => {
  it.each([
    ['/usr/bin/jq', ['jq']],
    ['/usr/lib/libjq.so.1', ['libjq1']],
    ['/usr', ['jq', 'libjq1']],
    ['/usr/bin', []],
    ['/etc/passwd', []],
  ])('of %s are %j', async (path, expected) => {
    expect(await createInventory().owners?.(path, tree)).toEqual(expected);
  });
});

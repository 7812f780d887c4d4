import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKernelVersions, kernelsOf, type TreeEntry } from '../src/index.js';

/** As much of a tree as {@link kernelsOf} looks at: these files. */
function treeOf(files: readonly string[]): Parameters<typeof kernelsOf>[0] {
  const entry = (path: string) => ({ path, type: 'file' }) as TreeEntry;
  const below = (directory: string) =>
    files
      .filter((path) => path.startsWith(`${directory}/`))
      .map((path) => `${directory}/${path.slice(directory.length + 1).split('/')[0]}`);
  return {
    list: async (directory) => [...new Set(below(directory))].map(entry),
    stat: async (path) => (files.includes(path) ? entry(path) : undefined),
  };
}

describe('kernelsOf', () => {
  it.each([
    ['oldest first', '/boot/vmlinuz-*', ['vmlinuz-6.12.9', 'vmlinuz-6.1.100', 'vmlinuz-6.12.10'], ['6.1.100', '6.12.9', '6.12.10']],
    ['only what fits', '/boot/vmlinuz-*', ['vmlinux-6.1', 'config-6.1', 'vmlinuz-6.2'], ['6.2']],
    ['with an end', '/boot/kernel-*.efi', ['kernel-6.1.efi', 'kernel-6.2'], ['6.1']],
    ['nothing for a name that only is the frame', '/boot/aba*ba', ['aba'], []],
    ['nothing for a name without a version', '/boot/vmlinuz-*', ['vmlinuz-'], []],
    ['none', '/boot/vmlinuz-*', [], []],
  ])('finds %s', async (_what, kernel, names, expected) => {
    const found = await kernelsOf(treeOf(names.map((name) => `/boot/${name}`)), { kernel });
    expect(found.map(({ version }) => version)).toEqual(expected);
    expect(found.map(({ path }) => path)).toEqual(expected.map((version) => kernel.replace('*', version)));
  });

  it('takes a star for a directory that has a kernel, as rpm distributions have them', async () => {
    const files = ['6.12.10/vmlinuz', '6.9.1/vmlinuz', '6.8.0/modules.dep'].map((path) => `/lib/modules/${path}`);
    expect(await kernelsOf(treeOf(files), { kernel: '/lib/modules/*/vmlinuz' })).toEqual([
      { version: '6.9.1', path: '/lib/modules/6.9.1/vmlinuz' },
      { version: '6.12.10', path: '/lib/modules/6.12.10/vmlinuz' },
    ]);
  });
});

describe('compareKernelVersions', () => {
  it.each([
    ['6.12.9-amd64', '6.12.10-amd64', -1],
    ['6.12.9-amd64', '6.12.9-cloud-amd64', -1],
    ['6.12', '6.12.1', -1],
    ['5.14.0-70.el9', '5.14.0-362.el9', -1],
    ['6.1', '6.01', 1],
    ['6.1', '6.1', 0],
  ])('%s against %s is %i', (a, b, expected) => {
    expect(Math.sign(compareKernelVersions(a, b))).toBe(expected);
    expect(Math.sign(compareKernelVersions(b, a))).toBe(0 - expected);
  });

  it('is a total order', () => {
    const version = fc
      .array(fc.constantFrom('0', '1', '9', '10', '.', '-', '~', 'a', 'amd64'), { maxLength: 6 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareKernelVersions(a, b)) + Math.sign(compareKernelVersions(b, a))).toBe(0);
        expect(compareKernelVersions(a, b) === 0).toBe(a === b);
        if (compareKernelVersions(a, b) <= 0 && compareKernelVersions(b, c) <= 0)
          expect(compareKernelVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

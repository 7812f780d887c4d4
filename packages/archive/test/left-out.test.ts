import { describe, expect, it } from 'vitest';
import { filesBelow } from '../src/index.js';

describe('files below directories of an archive', () => {
  const below = filesBelow(['/usr/share/doc', '/usr/share/man']);

  it.each([
    ['./usr/share/doc/bash/copyright', true],
    ['usr/share/man/man1', true],
    ['/usr/share/man/de', true],
    ['././/usr/share/doc/x', true],
    ['usr/./share//doc/x', true],
    ['./usr/share/doc/../../../etc/passwd', false],
    ['./usr/share/documents/x', false],
    ['./opt/usr/share/doc/x', false],
    ['.', false],
  ])('says of %s: %s', (path, expected) => {
    expect(below({ path, type: 'file' })).toBe(expected);
  });

  it('takes a hard link for what it links to, a symbolic link for what it is', () => {
    const link = { path: './usr/bin/x', linkTarget: './usr/share/doc/x' };
    expect(below({ ...link, type: 'hardlink' })).toBe(true);
    expect(below({ ...link, type: 'symlink' })).toBe(false);
    expect(below({ path: './usr/share/doc/y', linkTarget: './usr/bin/x', type: 'hardlink' })).toBe(true);
  });

  it('takes a hard link to a hard link for what the first links to', () => {
    const inOrder = filesBelow(['/usr/share/doc']);
    const chain = ['./usr/share/doc/x', './usr/bin/a', 'usr/bin/b', '/usr/bin/c'];
    const asked = chain.slice(1).map((path, index) => inOrder({ path, type: 'hardlink', linkTarget: chain[index] }));
    expect(asked).toEqual([true, true, true]);
    expect(inOrder({ path: './usr/bin/d', type: 'hardlink', linkTarget: './usr/bin/e' })).toBe(false);
  });

  it('keeps directories', () => {
    expect(below({ path: './usr/share/doc/bash', type: 'directory' })).toBe(false);
  });

  it('takes nothing away without directories', () => {
    expect(filesBelow([])({ path: './usr/share/doc/x', type: 'file' })).toBe(false);
  });
});

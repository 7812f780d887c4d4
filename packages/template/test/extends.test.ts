import { execFileSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTemplate } from '../src/documents/load.js';
import { definition, DISK, HEAD, said, workspace } from './workspace.js';

describe('extends', () => {
  const child = (parent: string): string => `extends: ${parent}\n${HEAD}`;
  const open = async (files: Readonly<Record<string, string>>) =>
    loadTemplate(path.join(await workspace(files), 'image.yml'), { distribution: () => definition() });

  it('inherits from root to leaf, and finds files beside any template of the chain, its own first', async () => {
    const { spec, problems, refused, files } = await open({
      'image.yml': `${child('sub/base.yml')}systemConfig:\n  packages: [c]\n  additionalFiles: [{ local: own.txt, final: /own }]\n`,
      'own.txt': '',
      'sub/base.yml': `extends: root.yml\n${HEAD}systemConfig:\n  packages: [b]\n  additionalFiles: [{ local: base.txt, final: /base }, { local: top.txt, final: /top }]\n`,
      'sub/base.txt': '',
      'base.txt': '',
      'top.txt': '',
      'sub/root.yml': `${HEAD}${DISK}metadata: { description: root }\nsystemConfig: { packages: [a] }\n`,
    });
    expect([problems, refused]).toEqual([[], []]);
    expect(spec?.system.packages.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    const directory = path.dirname(files[0] as string);
    expect(spec?.system.files.map(({ target, source }) => [target, path.relative(directory, source)])).toEqual([
      ['/base', 'sub/base.txt'],
      ['/top', 'top.txt'],
      ['/own', 'own.txt'],
    ]);
    expect(files.map((file) => path.basename(file))).toEqual(['image.yml', 'base.yml', 'root.yml']);
  });

  it.each([
    ['../x.yml', 'the parent "../x.yml" is not inside the directory of this template'],
    ['/x.yml', 'the parent "/x.yml" is not inside the directory of this template'],
    ['nope.yml', 'the parent "nope.yml" cannot be read: it does not exist'],
    ['sub', 'the parent "sub" is not a file'],
    ['sub/nope.yml', 'the parent "sub/nope.yml" cannot be read: it does not exist'],
    ['other.yml', 'target.arch is "x86_64", but the parent other.yml has "aarch64"'],
  ])('refuses %s', async (parent, expected) => {
    const files = { 'image.yml': child(parent), 'other.yml': HEAD.replace('x86_64', 'aarch64'), 'sub/a.yml': '' };
    const {
      problems,
      spec,
      files: [image = ''],
    } = await open(files);
    const to = parent.startsWith('/') ? path.relative(path.dirname(image), parent) : parent;
    expect(
      said(problems.filter(({ code }) => code === 'ICT_TEMPLATE_EXTENDS')).map((text) => text.replaceAll(`${path.dirname(image)}/`, '')),
    ).toEqual([`ICT_TEMPLATE_EXTENDS: ${expected}; the chain is image.yml -> ${to}`]);
    expect(spec).toBeUndefined();
  });

  it('refuses circles and links', async () => {
    const circle = await open({ 'image.yml': child('a.yml'), 'a.yml': child('image.yml') });
    expect(said(circle.problems)).toContain('ICT_TEMPLATE_EXTENDS: extends leads in a circle: image.yml -> a.yml -> image.yml');
    const directory = await workspace({ 'image.yml': child('a.yml'), 'b.yml': HEAD });
    await symlink('b.yml', path.join(directory, 'a.yml'));
    const linked = await loadTemplate(path.join(directory, 'image.yml'), { distribution: () => definition() });
    expect(said(linked.problems)).toContain(
      'ICT_TEMPLATE_EXTENDS: the parent "a.yml" is reached through a symbolic link: it is b.yml; the chain is image.yml -> a.yml',
    );
  });

  it('refuses a pipe, which would keep it waiting', async () => {
    const directory = await workspace({ 'image.yml': child('pipe') });
    execFileSync('mkfifo', [path.join(directory, 'pipe')]);
    const { problems } = await loadTemplate(path.join(directory, 'image.yml'), { distribution: () => definition() });
    expect(said(problems)).toContain('ICT_TEMPLATE_EXTENDS: the parent "pipe" is not a file; the chain is image.yml -> pipe');
  });

  it('reports faults of the parent in the parent', async () => {
    const { problems } = await open({ 'image.yml': child('sub/a.yml'), 'sub/a.yml': `${HEAD}dsik: {}\n` });
    expect(problems.map(({ message, position }) => [message, path.basename(position?.file ?? '')])).toEqual([
      ['unknown key "dsik" in the template; the chain is image.yml -> sub/a.yml', 'a.yml'],
    ]);
    const broken = await open({ 'image.yml': child('sub/a.yml'), 'sub/a.yml': 'image: [\n' });
    expect(broken.problems.map(({ message }) => message)).toEqual(['the closing "]" is missing; the chain is image.yml -> sub/a.yml']);
  });

  it('warns of a long chain', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 6 }, (_, n) => [n === 0 ? 'image.yml' : `${n}.yml`, n === 5 ? `${HEAD}${DISK}` : child(`${n + 1}.yml`)]),
    );
    const { problems, warnings } = await open(files);
    expect(problems).toEqual([]);
    expect(warnings.map(({ code }) => code)).toEqual(['ICT_TEMPLATE_EXTENDS']);
  });
});

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FIXTURES } from './fixture-index.js';

const PACKAGE = join(import.meta.dirname, '..');

it('the example of the README runs against the package as it is published, and prints what the package has', () => {
  const [, code = ''] = /```js\n(.*?)```/s.exec(readFileSync(join(PACKAGE, 'README.md'), 'utf8')) ?? [];
  const named = "'hello-2.0-1.x86_64.rpm'";
  expect(code).toContain(named);
  const file = join(FIXTURES, 'packages/rpm-upstream/hello-2.0-1.x86_64.rpm');
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', code.replace(named, JSON.stringify(file))], {
    cwd: PACKAGE,
    env: { ...process.env, FORCE_COLOR: '0' },
  });
  const listed = execFileSync('rpm', ['-qpl', '--nosignature', file]).toString().trim().split('\n');
  const lines = output.toString().trim().split('\n');
  expect(lines.at(-1)).toBe('true');
  expect(lines[0]).toContain('hello');
  expect(listed.filter((path) => !output.includes(`${path} `))).toEqual([]);
});

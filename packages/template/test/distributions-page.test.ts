import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parseDistribution } from '../src/targets/distribution.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const page = readFileSync(`${root}/docs/distributions.md`, 'utf8');

it('docs/distributions.md lists every definition that is shipped, its architectures, and whether it has keys', () => {
  const told = Array.from(
    page.matchAll(/^\| ([a-z-]+) +\| ([a-z0-9]+) +\| (.+?) +\| ([a-z0-9_, ]+?) +\| (included|`--keyring`) +\|$/gm),
    ([, ...cells]) => cells.join(' | '),
  );
  const directories = readdirSync(`${root}/providers`).map((provider) => `${root}/providers/${provider}/distros`);
  const shipped = directories
    .filter((directory) => existsSync(directory))
    .flatMap((directory) =>
      readdirSync(directory).map((name) => {
        const { definition } = parseDistribution(readFileSync(`${directory}/${name}`, 'utf8'), `${directory}/${name}`);
        const keys = definition?.repositories.every(({ keyrings }) => keyrings.length > 0) === true ? 'included' : '`--keyring`';
        return [definition?.os, definition?.dist, definition?.title, definition?.architectures.join(', '), keys].join(' | ');
      }),
    );
  expect(told.sort()).toEqual(shipped.sort());
});

it('its example is a valid definition', () => {
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const { definition, problems } = parseDistribution(example, '/acme/acme-linux.yml');
  expect(problems).toEqual([]);
  expect(definition?.repositories[0]?.keyrings).toEqual(['/acme/acme.asc']);
});

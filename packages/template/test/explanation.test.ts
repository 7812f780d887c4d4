import { expect, it } from 'vitest';
import { diffTemplate, explainTemplate } from '../src/documents/explanation.js';
import { DISK, HEAD, load } from './workspace.js';

const defaults = {
  systemConfig: {
    name: 'default',
    packages: ['udev'],
    kernel: { cmdline: 'quiet' },
    users: [{ name: 'admin', groups: ['adm'] }],
    configurations: [{ cmd: 'true' }],
  },
};
const TEMPLATE = `${HEAD}${DISK}systemConfig:
  packages: [vim]
  kernel: { cmdline: debug }
  users: [{ name: admin, groups: [video] }]
  configurations: [{ cmd: "false" }]
`;

it('tells of every value where it was written and which rule put it there', async () => {
  const values = explainTemplate(await load(TEMPLATE, defaults));
  const of = (path: string) => {
    const { value, from, position, rule } = values.find((one) => one.path === path) ?? {};
    return [value, position === undefined ? from : position.line, rule];
  };
  expect(of('image.name')).toEqual(['demo', 2, 'set by the uppermost']);
  expect(of('disk.partitions[1].mountPoint')).toEqual(['/', 13, 'set by the uppermost']);
  expect(of('systemConfig.name')).toEqual(['default', 'defaults of debian13', 'set by the uppermost']);
  expect(of('systemConfig.packages[0]')).toEqual(['udev', 'defaults of debian13', 'joined']);
  expect(of('systemConfig.packages[1]')).toEqual(['vim', 15, 'joined']);
  expect(of('systemConfig.kernel.cmdline')).toEqual(['debug', 16, 'merged key by key']);
  expect(of('systemConfig.users[0].groups[0]')).toEqual(['adm', 'defaults of debian13', 'matched by name']);
  expect(of('systemConfig.users[0].groups[1]')).toEqual(['video', 17, 'joined']);
  expect(of('systemConfig.configurations[1].cmd')).toEqual(['false', 18, 'appended']);
  expect(values).toHaveLength(new Set(values.map(({ path }) => path)).size);
});

it('says what a template changes in the defaults', async () => {
  const differences = diffTemplate(await load(TEMPLATE, { ...defaults, disk: { name: 'x', size: '4GiB' } }));
  expect(differences).toContainEqual({ path: 'disk.name', default: 'x' });
  expect(differences).toContainEqual({ path: 'disk.size', default: '4GiB', value: '2GiB' });
  expect(differences).toContainEqual({ path: 'systemConfig.packages[]', value: 'vim' });
  expect(differences).toContainEqual({ path: 'systemConfig.kernel.cmdline', default: 'quiet', value: 'debug' });
  expect(differences.some(({ value, default: before }) => value === 'udev' || before === 'udev')).toBe(false);
});

it('says that a disk was replaced where there was one below', async () => {
  const below = { disk: { size: '1GiB', partitions: [] } };
  const rules = async (text: string) =>
    explainTemplate(await load(text, below)).flatMap(({ path, from, rule }) =>
      path === 'disk.size' ? [[from.replace(/.*\//, ''), rule]] : [],
    );
  expect(await rules(HEAD)).toEqual([['defaults of debian13', 'set by the uppermost']]);
  expect(await rules(`${HEAD}${DISK}`)).toEqual([['image.yml', 'replaced as a whole']]);
});

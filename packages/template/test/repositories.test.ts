import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TemplateDefaults } from '../src/schema/template.js';
import { DISK, HEAD, load, said } from './workspace.js';

describe('repositories', () => {
  it('reads addresses, keys and components', async () => {
    const text = `${HEAD}${DISK}packageRepositories:\n  - { codename: x, url: "http://a.example/deb/", pkey: keys/a.asc, pkeys: [/b.asc, "https://a.example/c.asc"], component: main contrib, priority: 5 }\n`;
    const { spec, problems, files } = await load(text);
    expect(problems).toEqual([]);
    expect(spec?.repositories).toMatchObject([
      {
        codename: 'x',
        url: 'http://a.example/deb',
        components: ['main', 'contrib'],
        keys: [path.join(path.dirname(files[0] as string), 'keys/a.asc'), '/b.asc', 'https://a.example/c.asc'],
        priority: 5,
        allowPackages: [],
        excludePackages: [],
      },
    ]);
  });

  it.each([
    ['{ codename: x }', 'repository "x" needs one of url, path and packages, and has 0'],
    ['{ codename: x, url: "http://a.example" }', 'repository "x" has no key'],
    ['{ codename: x, url: "http://a.example", pkey: <PUBLIC_KEY_URL> }', 'repository "x" has no key'],
    ['{ codename: x, url: "http://a.example", pkey: "htp://k" }', '"htp://k" is not the address of a key'],
    ['{ codename: x, url: "http://a.example", pkeys: ["https://k", "http://"] }', '"http://" is not the address of a key'],
    ['{ codename: ./, url: "http://a.example", pkey: https://k, component: main }', 'repository "./" is flat and has no components'],
    ['{ codename: x, path: /usr }', 'repository "x" has no key'],
    ['{ codename: x, url: "javascript:x", pkey: /a }', '"javascript:x" is not the address of a repository'],
  ])('refuses %s', async (item, expected) => {
    const { problems } = await load(`${HEAD}${DISK}packageRepositories:\n  - ${item}\n`);
    expect(said(problems)).toEqual([`ICT_TEMPLATE_REPOSITORY: ${expected}`]);
  });

  it('takes a directory, beside the template that names it, as the archive at its address', async () => {
    const text = `${HEAD}${DISK}packageRepositories:\n  - { codename: ./, path: my%20own@1/deb/, pkey: "file:///k" }\n`;
    const { spec, refused, files } = await load(text, {}, { 'my%20own@1/deb/Release': '' });
    expect(refused).toEqual([]);
    const own = path.join(path.dirname(files[0] as string), 'my%20own@1/deb');
    const url = `file://${path.dirname(own).replace('%', '%25')}/deb`;
    expect(spec?.repositories).toMatchObject([{ path: own, url, recordedAs: './my%20own@1/deb', keys: ['file:///k'] }]);
  });

  it.each([
    ['./own/', './own'],
    ['a/../own', './own'],
    ['../beside', '../beside'],
    ['.', '.'],
    ['.hidden', './.hidden'],
    ['/usr', undefined],
  ])('calls the directory %s in locks by %s', async (name, recorded) => {
    const { draft } = await load(`${HEAD}${DISK}packageRepositories:\n  - { codename: x, path: ${name}, pkey: "file:///k" }\n`);
    expect(draft?.repositories[0]?.recordedAs).toBe(recorded);
  });

  it.each([
    ['nope', 'does not exist'],
    ['file', 'is not a directory'],
  ])('refuses to build from %s, which %s', async (name, why) => {
    const text = `${HEAD}${DISK}packageRepositories:\n  - { codename: x, path: ${name}, pkey: file }\n`;
    const { refused, files } = await load(text, {}, { file: '' });
    const place = path.join(path.dirname(files[0] as string), name);
    expect(said(refused)).toEqual([`ICT_TEMPLATE_FILE_MISSING: the directory "${name}" is missing: ${place} ${why}`]);
  });

  it('takes fingerprints as people write them, and none that are not whole', async () => {
    const written = (fingerprints: string) =>
      load(
        `${HEAD}${DISK}packageRepositories:\n  - { codename: x, url: "http://a.example", pkey: "https://k", fingerprints: ${fingerprints} }\n`,
      );
    const { spec } = await written('["99DB 70FA E1D7 CE22 7FB6  4882 05B5 55B3 8483 c65d"]');
    expect(spec?.repositories[0]?.fingerprints).toEqual(['99DB70FAE1D7CE227FB6488205B555B38483C65D']);
    expect((await written('[]')).spec?.repositories[0]).not.toHaveProperty('fingerprints');
    for (const part of ['8483C65D', '05B555B38483C65D', `0x${'A'.repeat(40)}`, 'A'.repeat(41), 'G'.repeat(40)]) {
      expect((await written(`["${part}"]`)).problems).toMatchObject([{ code: 'ICT_DOCUMENT_BAD_VALUE', position: { line: 15 } }]);
    }
  });

  it('keeps every entry of one template, and replaces one below by each', async () => {
    const entry = (component: string) => ({ codename: 'x', url: 'http://a.example', pkey: '/a', component });
    const text = `${HEAD}${DISK}packageRepositories: ${JSON.stringify([entry('main'), entry('contrib'), entry('extra')])}\n`;
    const components = async (defaults: TemplateDefaults) => (await load(text, defaults)).draft?.repositories.map((one) => one.components);
    expect(await components({})).toEqual([['main'], ['contrib'], ['extra']]);
    expect(await components({ packageRepositories: [entry('a'), entry('b')] })).toEqual([['main'], ['contrib'], ['extra']]);
  });

  it('leaves out placeholders, with a warning', async () => {
    const { spec, warnings } = await load(`${HEAD}${DISK}packageRepositories:\n  - { codename: x, url: <URL>, pkey: <PUBLIC_KEY_URL> }\n`);
    expect(spec?.repositories).toEqual([]);
    expect(said(warnings)).toEqual(['ICT_TEMPLATE_PLACEHOLDER: repository "x" is a placeholder and is left out']);
  });
});

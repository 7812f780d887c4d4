import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseDistribution } from '../src/targets/distribution.js';
import { loadTemplate } from '../src/documents/load.js';
import { unsupported } from '../src/problems/unsupported.js';
import { workspace } from './workspace.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const shipped = readdirSync(`${root}/providers`).flatMap((provider) => {
  const directory = `${root}/providers/${provider}/distros`;
  if (!existsSync(directory)) return [];
  return readdirSync(directory).map((name) => ({ provider, name, file: `${directory}/${name}` }));
});

const IMAGE_TYPES = ['raw', 'img', 'wsl2', 'iso'];

it('there are definitions of two ecosystems', () => {
  expect(shipped.map(({ provider, name }) => `${provider}/${name}`)).toEqual(
    expect.arrayContaining(['deb/debian13.yml', 'deb/ubuntu24.yml', 'rpm/azl3.yml', 'rpm/el10.yml']),
  );
});

describe.each(shipped)('$provider/$name', ({ provider, name, file }) => {
  const { definition, problems } = parseDistribution(readFileSync(file, 'utf8'), file);

  it('is valid, defaults included, and named after its distribution', () => {
    expect(problems).toEqual([]);
    expect([definition?.ecosystem, `${definition?.dist}.yml`]).toEqual([provider, name]);
    expect(Object.keys(definition?.defaults ?? {})).toEqual(IMAGE_TYPES);
  });

  it.each((definition?.architectures ?? []).flatMap((arch) => IMAGE_TYPES.map((imageType) => [arch, imageType] as const)))(
    'has a default template on %s for %s',
    async (arch, imageType) => {
      const { os, dist } = definition!;
      const head = `image: { name: a, version: "1" }\ntarget: { os: ${os}, dist: ${dist}, arch: ${arch}, imageType: ${imageType} }\n`;
      const directory = await workspace({ 'image.yml': head });
      const { spec, merged, problems } = await loadTemplate(`${directory}/image.yml`, { distribution: () => definition });
      expect(problems).toEqual([]);
      expect(JSON.stringify([spec?.disk, spec?.system])).not.toContain('${');
      expect(spec?.system.packages.length).toBeGreaterThan(0);
      // The kernel of a container is its host's; everything else brings one.
      expect(spec?.system.kernel.packages.length === 0).toBe(imageType === 'wsl2');
      const refused = unsupported(merged!).map(({ message }) => message);
      expect(refused).toEqual(imageType === 'raw' ? [] : [`the image type "${imageType}" is not supported yet`]);
    },
  );

  it('has a disk for an immutable root where it can have one, and only for templates that describe none', async () => {
    const { os, dist, boot } = definition!;
    expect(definition?.immutable === undefined).toBe(boot.verityPackages === undefined);
    const head = (imageType: string): string =>
      `image: { name: a, version: "1" }\ntarget: { os: ${os}, dist: ${dist}, arch: x86_64, imageType: ${imageType} }\nsystemConfig: { immutability: { enabled: true } }\n`;
    const disk = `disk: { size: 2GiB, partitions: [{ id: esp, type: esp, end: 257MiB, fsType: fat32 }, { id: own, type: linux-var, fsType: ext4, mountPoint: / }] }\n`;
    const directory = await workspace({ 'raw.yml': head('raw'), 'own.yml': `${head('raw')}${disk}`, 'img.yml': head('img') });
    const look = (name: string) => loadTemplate(`${directory}/${name}.yml`, { distribution: () => definition });
    const raw = await look('raw');
    expect(raw.problems).toEqual([]);
    expect([raw.refused.map(({ code }) => code), raw.spec?.system.immutability?.hashPartition]).toEqual(
      boot.verityPackages === undefined ? [['ICT_TEMPLATE_IMMUTABILITY'], undefined] : [[], 'roothashmap'],
    );
    const own = await look('own');
    expect(own.spec?.disk.partitions.map(({ id }) => id)).toEqual(['esp', 'own']);
    expect((await look('img')).merged?.template.disk).toBeUndefined();
  });

  it('names keyrings that are there, and packages for what every disk needs', () => {
    for (const { keyrings } of definition?.repositories ?? []) for (const keyring of keyrings) expect(existsSync(keyring)).toBe(true);
    for (const capability of ['ext', 'convert']) expect(definition?.tools.packages[capability]?.length).toBeGreaterThan(0);
    expect(definition?.boot.growthPackages?.length).toBeGreaterThan(0);
  });
});

it('no two define one target', () => {
  const targets = shipped.map(({ file }) => {
    const { definition } = parseDistribution(readFileSync(file, 'utf8'), file);
    return `${definition?.os}/${definition?.dist}`;
  });
  expect(new Set(targets).size).toBe(targets.length);
});

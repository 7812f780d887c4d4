import { describe, expect, it } from 'vitest';
import { unsupported } from '../src/problems/unsupported.js';
import { DISK, HEAD, load } from './workspace.js';

const UNSIGNED = 'a repository without signatures is not used: nobody could tell its packages from those that somebody else put there';

const keys = async (text: string, imageTypes?: readonly string[]): Promise<string[]> => {
  const { merged } = await load(text);
  return unsupported(merged!, imageTypes === undefined ? {} : { imageTypes }).map(({ code, message, position }) => {
    expect(code).toBe('ICT_UNSUPPORTED_YET');
    expect(position?.line).toBeGreaterThan(0);
    return message;
  });
};

describe('refuses', () => {
  it.each([
    ['fde: { enabled: true, passphraseFile: x }', 'disk encryption (fde)'],
    ['initramfs: { template: x.yml }', 'an initrd from a template'],
    ['users: [{ name: a, startupScript: /x }]', 'startupScript'],
    ['users: [{ name: a, password: plain, hash_algo: bcrypt }]', 'hashing a plain password with bcrypt'],
    ['users: [{ name: a, password: plain, hash_algo: md5 }]', 'hashing a plain password with md5'],
  ])('systemConfig.%s', async (line, what) => {
    expect(await keys(`${HEAD}${DISK}systemConfig:\n  ${line}\n`)).toEqual([`${what} is not supported yet`]);
  });

  it('immutability of what is no disk', async () => {
    const text = `${HEAD.replace('raw', 'img')}systemConfig:\n  immutability: { enabled: true }\n`;
    expect(await keys(text, ['raw', 'img'])).toEqual(['immutability of image type "img" is not supported yet']);
  });

  it.each([
    ['packageRepositories: [{ codename: a, packages: [./a.deb], pkey: /k }]', ['a repository made of single packages']],
    ['baseline: { mode: overlay, source: { path: x } }', ['building on another image (baseline)']],
    ['overlayPolicy: { packageOperation: additive-only }', ['overlayPolicy']],
  ])('%s', async (line, what) => {
    expect(await keys(`${HEAD}${DISK}${line}\n`)).toEqual(what.map((one) => `${one} is not supported yet`));
  });

  it.each([
    ['path: /usr, pkey: "[trusted=yes]"', UNSIGNED, /^Give the key.* sign a copy of your own: .*InRelease/],
    ['url: "http://a.example", pkeys: [/k, "[trusted=yes]"]', UNSIGNED, /^Give the key/],
    [
      'url: "http://a.example", insecureSkipVerify: true, pkey: /k',
      'fetching without a check of the certificate is not supported',
      /^Remove it, .*NODE_EXTRA_CA_CERTS/,
    ],
  ])('what makes a repository less safe, and says what to do instead: %s', async (entry, message, hint) => {
    const { merged } = await load(`${HEAD}${DISK}packageRepositories: [{ codename: a, ${entry} }]\n`);
    const found = [{ code: 'ICT_UNSUPPORTED_YET', message, hint: expect.stringMatching(hint) as unknown }];
    expect(unsupported(merged!)).toMatchObject(found);
  });

  it.each(['""', '$6$saltstring$svn8UoSVapNtMuq1', '<HASHED_PASSWORD>'])(
    'no algorithm of the password %s, which is not hashed',
    async (password) => {
      expect(await keys(`${HEAD}${DISK}systemConfig: { users: [{ name: a, password: ${password}, hash_algo: bcrypt }] }\n`)).toEqual([]);
    },
  );

  it('image types that no format makes', async () => {
    const text = `${HEAD}${DISK}`.replace('imageType: raw', 'imageType: iso');
    expect(await keys(text)).toEqual(['the image type "iso" is not supported yet']);
    expect(await keys(text, ['raw', 'iso'])).toEqual([]);
    expect(await keys(text.replace('iso', 'oci'))).toEqual([]);
  });

  it('keys of the disk', async () => {
    expect(await keys(`${HEAD}${DISK.replace('id: esp', 'index: 2, id: esp')}`)).toEqual([
      'partition number 2 at place 1 is not supported yet',
    ]);
  });
});

it('lets values pass that ask for nothing', async () => {
  const text = `${HEAD}${DISK.replace('id: esp', 'index: 1, id: esp')}  extendLastPartitionToFillDisk: false
systemConfig:
  immutability: { enabled: false, secureBootDBKey: "" }
  fde: { enabled: false, partitions: [] }
  network: { backend: netplan, interfaces: [] }
  initramfs: { template: "" }
  kernel: { uki: false, enableExtraModules: "" }
  users: [{ name: a, startupScript: "" }]
packageRepositories: [{ codename: a, path: /usr, pkeys: [/k, "https://a.example/k"], packages: [], fingerprints: [] }]
baseline: { mode: create }
overlayPolicy: {}
`;
  expect(await keys(text)).toEqual([]);
});

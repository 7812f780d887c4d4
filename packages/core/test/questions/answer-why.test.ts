import { describe, expect, it } from 'vitest';
import type { CatalogueEntry } from '@ict/plugin-api';
import type { Lock } from '../../src/locks/lock.js';
import { answerWhy } from '../../src/questions/answer-why.js';
import { packageRequest } from '../../src/locks/request.js';
import { digestOfAll, distribution, resolvedPackage, sampleFormat, sampleSpec } from '../support/sample-image.js';

const root: Lock['repositories'][number]['root'] = {
  path: 'InRelease',
  digest: digestOfAll('1'),
  sizeBytes: 9,
  dateSeconds: 1_700_000_000,
};
const request = packageRequest(sampleSpec(), distribution, sampleFormat());
const lock: Lock = {
  lockVersion: 1,
  target: request.target,
  request: digestOfAll('0'),
  repositories: [
    { id: 'main', archive: 'http://a.example', suite: 'stable', components: ['main'], root: { ...root, codename: 'trixie' }, signers: [] },
    { id: 'fixes', archive: 'http://a.example', suite: 'fixes', components: ['main'], root, signers: [] },
  ],
  plugins: {},
  packages: [
    resolvedPackage('bash', { version: '5-1' }),
    resolvedPackage('kernel', { version: '6.2-1' }),
    resolvedPackage('kernel', { id: 'kernel:amd64=6.1-1', version: '6.1-1' }),
    resolvedPackage('tar', { id: 'tar:noarch', arch: 'noarch' }),
  ],
  tools: [resolvedPackage('mtools', { requestedBy: ['tools'] }), resolvedPackage('bash', { version: '5-2', repository: 'fixes' })],
};
/** Who provides what, as an index says it. */
const PROVIDERS: Readonly<Record<string, CatalogueEntry['providers']>> = {
  sh: [
    { name: 'bash', version: '5-0', arch: 'amd64', provides: 'sh' },
    { name: 'bash', version: '5-1', arch: 'amd64', provides: 'sh (= 5)' },
    { name: 'tar', version: '1', arch: 'noarch', provides: 'sh' },
    { name: 'zsh', version: '1', arch: 'amd64', provides: 'sh' },
  ],
  mcopy: [{ name: 'mtools', version: '1', arch: 'amd64', provides: 'mcopy' }],
  mail: [{ name: 'exim', version: '1', arch: 'amd64', provides: 'mail' }],
  bash: [{ name: 'tar', version: '1', arch: 'noarch', provides: 'bash' }],
};
const ask = (name: string) =>
  answerWhy(
    'image.yml',
    name,
    { lock, request, warnings: [] },
    [],
    async () => [],
    async (each) => PROVIDERS[each] ?? [],
  );

describe('answerWhy', () => {
  it.each([
    ['bash', 'bash:amd64', 'image'],
    ['bash:amd64', 'bash:amd64', 'image'],
    ['bash=5-1', 'bash:amd64', 'image'],
    ['bash:amd64=5-1', 'bash:amd64', 'image'],
    ['tar.noarch', 'tar:noarch', 'image'],
    ['mtools', 'mtools:amd64', 'tools'],
    ['bash=5-2', 'bash:amd64', 'tools'],
    ['bash=5', 'bash:amd64', 'image'],
    ['bash=5*', 'bash:amd64', 'image'],
    ['bash=*2', 'bash:amd64', 'tools'],
    ['bash/stable', 'bash:amd64', 'image'],
    ['bash:amd64/trixie', 'bash:amd64', 'image'],
    ['bash/fixes', 'bash:amd64', 'tools'],
    ['kernel', 'kernel:amd64', 'image'],
    ['kernel=6.1', 'kernel:amd64=6.1-1', 'image'],
    ['kernel:amd64=6.1-1', 'kernel:amd64=6.1-1', 'image'],
  ])('%s is %s of the %s', async (name, id, part) => {
    expect(await ask(name)).toMatchObject({ package: { id }, part });
  });

  it('leads to what provides a name that nothing is called, and says how, and what else does', async () => {
    expect(await ask('sh')).toMatchObject({
      package: { id: 'bash:amd64' },
      part: 'image',
      provided: [
        { package: 'bash:amd64', text: 'sh (= 5)' },
        { package: 'tar:noarch', text: 'sh' },
      ],
      paths: [{ request: 'bash', steps: [] }],
    });
    expect(await ask('mcopy')).toMatchObject({ package: { id: 'mtools:amd64' }, part: 'tools', provided: [{ text: 'mcopy' }] });
  });

  it('asks nobody for the name of a package', async () => {
    expect(await ask('bash')).not.toHaveProperty('provided');
  });

  it.each(['mail', 'sh=5', 'sh/stable', 'bash/', 'bash=', 'bash:amd64/'])(
    'does not take what the image does not have, or another version, for %s',
    async (name) => {
      await expect(ask(name)).rejects.toMatchObject({ code: 'ICT_PACKAGE_NOT_CHOSEN' });
    },
  );

  it.each([
    ['bash=6', 'image.yml brings bash in version 5-1, not 6', 'Ask `ict why-not image.yml bash=6` what keeps that version out.'],
    ['kernel=6', 'image.yml brings kernel in version 6.2-1 and 6.1-1, not 6', 'Ask `ict why-not image.yml kernel=6` what keeps that version out.'], // prettier-ignore
    ['bash/sid', 'image.yml brings bash from main, not from sid', 'Ask `ict why-not image.yml bash/sid` what keeps that one out.'],
    ['bahs=6', 'image.yml does not bring a package "bahs=6"', 'Did you mean "bash"?'],
    ['nginx', 'image.yml does not bring a package "nginx"', 'Ask `ict why-not image.yml nginx` what keeps it out.'],
  ])('%s: %s', async (name, message, hint) => {
    await expect(ask(name)).rejects.toMatchObject({ code: 'ICT_PACKAGE_NOT_CHOSEN', message, hint });
  });
});

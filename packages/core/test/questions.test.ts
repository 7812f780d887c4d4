import { describe, expect, it } from 'vitest';
import type { Lock } from '../src/lock.js';
import { answerWhy } from '../src/questions.js';
import { packageRequest } from '../src/request.js';
import { digestOfAll, distribution, resolvedPackage, sampleFormat, sampleSpec } from './sample-image.js';

const request = packageRequest(sampleSpec(), distribution, sampleFormat());
const lock: Lock = {
  lockVersion: 1,
  target: request.target,
  request: digestOfAll('0'),
  repositories: [],
  plugins: {},
  packages: [resolvedPackage('bash', { version: '5-1' }), resolvedPackage('tar', { id: 'tar:noarch', arch: 'noarch' })],
  tools: [resolvedPackage('mtools', { requestedBy: ['tools'] }), resolvedPackage('bash', { version: '5-2' })],
};
const ask = (name: string) => answerWhy('image.yml', name, { lock, request, warnings: [] }, [], async () => []);

describe('answerWhy', () => {
  it.each([
    ['bash', 'bash:amd64', 'image'],
    ['bash:amd64', 'bash:amd64', 'image'],
    ['bash=5-1', 'bash:amd64', 'image'],
    ['bash:amd64=5-1', 'bash:amd64', 'image'],
    ['tar.noarch', 'tar:noarch', 'image'],
    ['mtools', 'mtools:amd64', 'tools'],
    ['bash=5-2', 'bash:amd64', 'tools'],
  ])('%s is %s of the %s', async (name, id, part) => {
    expect(await ask(name)).toMatchObject({ package: { id }, part });
  });

  it.each([
    ['bash=6', 'image.yml brings bash in version 5-1, not 6', 'Ask `ict why-not image.yml bash=6` what keeps that version out.'],
    ['bahs=6', 'image.yml does not bring a package "bahs=6"', 'Did you mean "bash"?'],
    [
      'nginx',
      'image.yml does not bring a package "nginx"',
      'Ask `ict why-not image.yml nginx` what keeps it out, or which package provides it.',
    ],
  ])('%s: %s', async (name, message, hint) => {
    await expect(ask(name)).rejects.toMatchObject({ code: 'ICT_PACKAGE_NOT_CHOSEN', message, hint });
  });
});

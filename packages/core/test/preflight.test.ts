import { expect, it } from 'vitest';
import { checkArchitecture } from '../src/preflight.js';

it.each([
  ['x86_64', 'x86_64', []],
  ['aarch64', 'aarch64', []],
  ['aarch64', 'arm64', []],
  ['aarch64', 'x86_64', ['ICT_HOST_ARCHITECTURE']],
  ['x86_64', 'aarch64', ['ICT_HOST_ARCHITECTURE']],
  ['armv7hl', 'aarch64', ['ICT_HOST_ARCHITECTURE']],
] as const)('an image for %s on a machine of %s', (arch, host, codes) => {
  expect(checkArchitecture(arch, host).map(({ code }) => code)).toEqual(codes);
});

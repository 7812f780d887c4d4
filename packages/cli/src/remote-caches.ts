import { readRegularFile } from '@ict/integrity';
import type { PemFile } from '@ict/core';
import { withoutNetwork } from '@ict/remote-cache';
import { cliError } from './errors.js';
import type { Settings } from './settings.js';

/**
 * The settings with the remote caches of the configuration, offline those that need no network, whose keys are read now: for an engine that builds.
 *
 * @throws `ICT_CLI_KEY_UNREADABLE`
 */
export async function withRemoteCaches(settings: Settings): Promise<Settings> {
  const { urls, trustedKeys, upload } = settings.engine.offline ? withoutNetwork(settings.remoteCache) : settings.remoteCache;
  if (urls.length === 0 && upload === undefined) return settings;
  const remoteCache = {
    urls,
    trustedKeys: await Promise.all(trustedKeys.map((file) => readKey(file, 'remote_cache.trusted_keys'))),
    ...(upload === undefined
      ? {}
      : { upload: { url: upload.url, signingKey: await readKey(upload.signingKey, 'remote_cache.signing_key') } }),
  };
  return { ...settings, engine: { ...settings.engine, remoteCache } };
}

async function readKey(file: string, setting: string): Promise<PemFile> {
  try {
    return { file, pem: (await readRegularFile(file)).toString('utf8') };
  } catch (cause) {
    throw cliError('ICT_CLI_KEY_UNREADABLE', {
      message: `the key ${file} of ${setting} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`,
      hint: 'Correct the path, or build with --no-remote-cache.',
      facts: { file, setting },
      cause,
    });
  }
}

import { fileURLToPath } from 'node:url';
import type { Engine } from '@ict/core';
import { discoverPlugins } from './plugin-discovery.js';
import type { EngineFlags } from './program.js';
import type { Session } from './session.js';
import { resolveSettings } from './settings.js';

/** Directory of this package: its dependencies are the first place where plugins are looked for. */
const packageRoot = fileURLToPath(new URL('..', import.meta.url));

/** Opens an engine as flags and configuration say, runs `work`, and closes it in any case. */
export async function withEngine<T>(session: Session, flags: EngineFlags, work: (engine: Engine) => Promise<T>): Promise<T> {
  const { surroundings, signal, emit } = session;
  const settings = await resolveSettings(surroundings, flags);
  const plugins = await discoverPlugins(packageRoot, settings.plugins.value);
  signal.throwIfAborted();
  const sourceDateEpoch = settings.sourceDateEpoch.value;
  const engine = await surroundings.openEngine({
    cacheDir: settings.cacheDir.value,
    workDir: settings.workDir.value,
    temporaryDir: settings.temporaryDir.value,
    workers: settings.workers.value,
    mirrors: settings.mirrors.value,
    hostSources: settings.hostSources.value,
    plugins,
    distributionFiles: settings.distributionFiles.value,
    offline: settings.offline.value,
    verify: settings.verify.value,
    emit,
    signal,
    ...(sourceDateEpoch === undefined ? {} : { sourceDateEpoch }),
  });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

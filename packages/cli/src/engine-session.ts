import { resolve } from 'node:path';
import type { Engine, LockOptions } from '@ict/core';
import { discoverPlugins } from './plugin-discovery.js';
import type { EngineFlags, LockFlags } from './flag-types.js';
import { packageRoot } from './module-url.js';
import type { Session } from './session.js';
import type { Settings } from './settings.js';
import { resolveSettings } from './settings.js';

/**
 * Opens an engine as flags and configuration say, runs `work`, and closes the engine in any case.
 *
 * @param prepare runs before the engine is opened; what it returns replaces the settings.
 */
export async function withEngine<T>(
  session: Session,
  flags: EngineFlags,
  work: (engine: Engine) => Promise<T>,
  prepare: (settings: Settings) => Promise<Settings> = async (settings) => settings,
): Promise<T> {
  const { surroundings, signal, emit } = session;
  const settings = await prepare(await resolveSettings(surroundings, flags));
  await session.configure(settings);
  const plugins = await discoverPlugins(packageRoot, settings.plugins);
  signal.throwIfAborted();
  const engine = await surroundings.openEngine({ ...settings.engine, plugins, emit, signal });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** The flags that choose a lock, as the engine takes them. */
export function lockOptions({ surroundings }: Session, { lock, frozen }: LockFlags): LockOptions {
  return {
    ...(lock === undefined ? {} : { lock: resolve(surroundings.cwd, lock) }),
    ...(frozen === undefined ? {} : { frozen }),
  };
}

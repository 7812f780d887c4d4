import { resolve } from 'node:path';
import { bootImage } from '@ict/boot';
import type { BootFlags } from '../image-commands.js';
import { formatDuration } from '../views/quantity.js';
import { refuseTemplate } from '../require-image-file.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';

/** `ict boot`: shows the console of an image until a text appears on it, or the machine turns itself off. */
export async function boot(session: Session, image: string, flags: BootFlags): Promise<void> {
  const { until, untilOff, timeout, memory, cpus, accel, arch, asDisk, firmware, secureBoot, firmwareVars } = flags;
  const { terminal, surroundings, signal } = session;
  refuseTemplate(image);
  const { temporaryDirectory } = await takeSettings(session, flags);
  const result = await bootImage({
    image: resolve(surroundings.cwd, image),
    signal,
    ...(untilOff === true ? {} : { until }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
    ...(memory === undefined ? {} : { memoryMiB: memory }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(accel === undefined ? {} : { accel }),
    ...(arch === undefined ? {} : { architecture: arch }),
    ...(asDisk === undefined ? {} : { asDisk }),
    ...(firmware === undefined ? {} : { firmwareKind: firmware }),
    ...(secureBoot === undefined ? {} : { secureBoot }),
    ...(firmwareVars === undefined ? {} : { variables: resolve(surroundings.cwd, firmwareVars) }),
    ...(temporaryDirectory === undefined ? {} : { temporary: temporaryDirectory }),
    onText: (text) => {
      session.say({ type: 'boot.console', text });
      if (!terminal.json) session.console(text);
    },
  });
  session.say({ type: 'boot.done', found: result.found, durationMs: result.durationMs });
  const what = result.found ? `is up: "${until}" appeared` : 'ran and turned itself off';
  const how = secureBoot === true ? `${result.accel}, Secure Boot` : result.accel;
  session.result(`\n${image} ${what} after ${formatDuration(result.durationMs)} (${how})\n`);
}

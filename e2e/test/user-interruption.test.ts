import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BuildEvent, Stage } from '@ict/plugin-api';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  artifactOf,
  forgetDisk,
  forgetPackages,
  forgetUponBase,
  isRealHit,
  Mini,
  randomFrom,
  repositoryRoot,
  requireEnd,
  requireQuiet,
  sound,
  strikeAt,
  strikeInTime,
  VICTIMS,
  type BuildPlaces,
  type IctOptions,
  type IctResult,
  type Interrupted,
  type Victim,
} from '../src/index.js';
import { asUser, makeOrdinaryUser, placesOf, processesOf, removeOrdinaryUser, type OrdinaryUser } from '../src/ordinary-user.js';

/*
 * An ordinary user builds in a user namespace: its ids are mapped by newuidmap and newgidmap, and what it makes belongs to ids that the user
 * alone may not remove. `interruption.test.ts` strikes root's builds at every type of event.
 */

let mini: Mini;
let template: string;
/** A build of it comes to a command that does not end, after that made files of another user of the image. */
let endless: string;
/** Of root's image. */
let digest: string;
let mounts: string;
/** One for each victim, so that a process tells whose it is. */
let users: readonly OrdinaryUser[] = [];

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'user-interruption');
  template = await mini.template({ system: { configurations: [{ cmd: 'echo configured > /etc/mini-command' }] } });
  endless = await mini.template({
    system: {
      configurations: [
        { cmd: "trap '' INT TERM; mkdir -m 700 /srv/own; touch /srv/own/file; chown -R 1000:1000 /srv/own; echo running; sleep 900" },
      ],
    },
  });
  digest = artifactOf(await sound(mini.buildTemplate(template, await mini.places())), 'raw').digest;
  await promisify(execFile)('chmod', ['-R', 'a+rX', mini.root]);
  mounts = await readFile('/proc/mounts', 'utf8');
  for (const number of VICTIMS.keys()) users = [...users, await makeOrdinaryUser(number)];
});
afterAll(async () => {
  for (const { name } of users) await removeOrdinaryUser(name);
  await mini.close();
});

/** A user's builds in places of its own, struck in one way. */
class Builds {
  readonly #user: OrdinaryUser;
  readonly #victim: Victim;
  readonly #root: string;
  readonly places: BuildPlaces;

  private constructor(user: OrdinaryUser, victim: Victim, root: string, places: BuildPlaces) {
    this.#user = user;
    this.#victim = victim;
    this.#root = root;
    this.places = places;
  }

  static async of(victim: Victim): Promise<Builds> {
    const number = VICTIMS.indexOf(victim);
    const user = users[number] as OrdinaryUser;
    const root = join(mini.root, `user-${number}`);
    return new Builds(user, victim, root, await placesOf(user, root));
  }

  /** Strikes a build, requires that nothing of it is left, and builds. @returns what was struck, and that next build. */
  async strike(
    what: string,
    isMoment: (event: BuildEvent) => boolean,
    { of = template, afterMs = 0 } = {},
  ): Promise<{ readonly interrupted: Interrupted; readonly next: IctResult }> {
    try {
      const interrupted = await strikeAt(this.#victim, isMoment, (watch) => this.#build(of, watch), afterMs);
      requireEnd(this.#victim, interrupted);
      await requireQuiet(this.#root, interrupted, () => processesOf(this.#user));
      expect(await readFile('/proc/mounts', 'utf8')).toBe(mounts);
      const next = await sound(this.#build(template));
      expect(artifactOf(next, 'raw').digest).toBe(digest);
      return { interrupted, next };
    } catch (cause) {
      throw new Error(`${this.#victim} ${what}: ${(cause as Error).message}`, { cause });
    }
  }

  #build(of: string, watch: IctOptions = {}): Promise<IctResult> {
    const command = [...asUser(this.#user), join(repositoryRoot, 'node_modules', '.bin', 'ict')];
    // Its steps are asked each time: the finished image would hide what an interruption did to them.
    return mini.buildTemplate(of, this.places, ['--no-image-cache'], { command, env: { HOME: this.places.temporary }, ...watch });
  }
}

/** Milliseconds from the first event of one kind to the first of the other kind after it. */
function between({ events }: IctResult, from: (event: BuildEvent) => boolean, to: (event: BuildEvent) => boolean): number {
  const start = events.findIndex(from);
  const [first, last] = [events[start], events.slice(start).find(to)];
  if (first === undefined || last === undefined) throw new Error('the build went another way');
  return Date.parse(last.time) - Date.parse(first.time);
}

const starts = (stage: Stage) => (event: BuildEvent) => event.type === 'stage.start' && event.stage === stage;
const makesDisk = ({ type, stage }: BuildEvent): boolean => type === 'image.progress' && stage === 'finalize';

describe('a build of an ordinary user that is killed', () => {
  it.concurrent.each(VICTIMS)('(%s) leaves nothing running or mounted, and the next one makes the same image', async (victim) => {
    const builds = await Builds.of(victim);
    const making = await builds.strike('while the base tree is made', ({ type }) => type === 'install.progress');
    expect(isRealHit(making.interrupted)).toBe(true);

    await forgetPackages(builds.places);
    await builds.strike('while packages are fetched', ({ type }) => type === 'package.stored');

    await forgetUponBase(builds.places);
    const isRunning = (event: BuildEvent): boolean => event.type === 'command.output' && event.text === 'running';
    const running = await builds.strike('while a command runs', isRunning, { of: endless });
    expect(isRealHit(running.interrupted)).toBe(true);

    await forgetDisk(builds.places);
    const { next: whole } = await builds.strike('while the disk is made', makesDisk);

    const random = randomFrom(VICTIMS.indexOf(victim));
    const looking = between(whole, starts('validate'), ({ type }) => type === 'stage.done');
    for (let round = 0; round < 3; round++) {
      await strikeInTime(1 + random() * looking, async (afterMs) => {
        const what = `after ${Math.round(afterMs)} ms of looking at the host`;
        return (await builds.strike(what, starts('validate'), { afterMs })).interrupted;
      });
    }
    // Where every tree is there, the sandbox starts for the disk.
    const starting = between(whole, starts('finalize'), makesDisk);
    for (let round = 0; round < 2; round++) {
      await strikeInTime(1 + random() * starting, async (afterMs) => {
        await forgetDisk(builds.places);
        const what = `after ${Math.round(afterMs)} ms of starting the sandbox`;
        return (await builds.strike(what, starts('finalize'), { afterMs })).interrupted;
      });
    }
  });
});

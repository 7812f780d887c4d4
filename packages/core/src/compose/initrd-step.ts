import { kernelsOf } from '@ict/plugin-api';
import type { BuildContext, Json, TreeSession } from '@ict/plugin-api';
import { tagged, type Composition, type LayerMaker, type LayerSource, type LayerStep } from './composition.js';
import { treeEnvironment } from './configure.js';
import { coreError } from '../errors.js';
import { keptInitrd, rememberMaker } from './initrd-reuse.js';
import { layerOutput } from '../step-output.js';
import { layerDigests } from '../steps.js';

/**
 * The step that makes the initrds of a tree, the last of its layers, as what they hold is taken from all below. One that was made of
 * another tree is kept when what differs between the trees does not reach it.
 */
export function initrdStep(input: Composition, layers: LayerMaker, source: LayerSource, ctx: BuildContext): LayerStep {
  const { boot } = input.distribution;
  return (below) => {
    const key = { below: layerDigests(below), boot: boot as unknown as Json, epochSeconds: ctx.epochSeconds };
    const identity = { type: 'ict.initrd', version: 1, by: input.core, expects: layerOutput, key };
    const clean = (maker: LayerMaker) =>
      maker.over(below, async (tree) => {
        await makeInitrds(input, tree, ctx);
        if (boot.initrdScope !== undefined) await rememberMaker(boot.initrdScope, below, tree, ctx);
      });
    const run = async () => {
      const kept =
        boot.initrdScope === undefined ? undefined : await keptInitrd(boot.initrdScope, below, source.siblings(identity), source, ctx);
      return tagged(kept === undefined ? clean(layers) : Promise.resolve(kept));
    };
    return { ...identity, over: below, clean, run };
  };
}

async function makeInitrds(input: Composition, tree: TreeSession, ctx: BuildContext): Promise<void> {
  const { boot } = input.distribution;
  const kernels = await kernelsOf(tree, boot);
  if (kernels.length === 0) {
    throw coreError('ICT_KERNEL_MISSING', {
      message: `no kernel in the image: nothing matches ${boot.kernel}`,
      hint: 'Name a kernel package under systemConfig.kernel.packages.',
      facts: { pattern: boot.kernel },
    });
  }
  for (const { version: kernelVersion } of kernels) {
    const fill = (text: string, output: string) => text.replaceAll('${kernelVersion}', kernelVersion).replaceAll('${output}', output);
    const initrd = fill(boot.initrd, '');
    ctx.emit({ type: 'image.progress', artifact: initrd, action: 'make initrd' });
    await tree.run({
      argv: boot.makeInitrd.map((argument) => fill(argument, initrd)),
      // A thousand programs, each of which would load a dozen files for any other locale: docs/decisions/0207-initrds-in-the-locale-c.md
      env: { ...treeEnvironment(ctx), LC_ALL: 'C' },
      onLine: (text, stream) => ctx.emit({ type: 'command.output', stream, text }),
    });
    for (const [path, target] of Object.entries(boot.links ?? {})) {
      await tree.remove(path);
      await tree.symlink(fill(target, initrd), path);
    }
  }
}

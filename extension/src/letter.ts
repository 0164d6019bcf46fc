// A refusal is a short letter: what happened, why, and what to do. The command line prints the same three lines.
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

export interface ILetter {
  what: string;
  why: string;
  /** Text between backticks is something to type. */
  fix: string;
}

/** The letters that this extension can send; `folder` is a path below the server's root. */
export const letters = (trans: TranslationBundle) => ({
  noProject: (folder: string): ILetter => ({
    what: trans.__('No Workbench project here'),
    why: trans.__('neither “/%1” nor a folder above it holds workbench.toml', folder),
    fix: trans.__('open a project’s folder in the file browser, or make one: `workbench init DIR`')
  }),
  noReport: (folder: string): ILetter => ({
    what: trans.__('No report.html here'),
    why: trans.__('no pipeline has written a report in the project “/%1” yet', folder),
    fix: trans.__('run `workbench production pipeline …` in that folder')
  }),
  cannotLook: (folder: string, error: unknown): ILetter => ({
    what: trans.__('Cannot look for the report'),
    why: trans.__('reading “/%1” failed: %2', folder, error instanceof Error ? error.message : String(error)),
    fix: trans.__('check that the Jupyter server runs and that the folder is there and may be read, then try again')
  })
});

/** Shows a letter until it is dismissed. */
export async function showLetter(letter: ILetter, trans: TranslationBundle): Promise<void> {
  const body = new Widget({ node: document.createElement('dl') });
  body.addClass('wb-Letter');
  body.node.append(
    element('dt', trans.__('why')),
    element('dd', letter.why),
    element('dt', trans.__('fix')),
    element('dd', ...letter.fix.split('`').map((part, i) => (i % 2 ? element('code', part) : part)))
  );
  await showDialog({ title: letter.what, body, buttons: [Dialog.okButton({ label: trans.__('Close') })] });
}

function element(tag: string, ...children: (Node | string)[]): HTMLElement {
  const node = document.createElement(tag);
  node.append(...children);
  return node;
}

// Wiring only: what the command says is in letter.ts, how it finds the report is in report.ts.
import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { letters, showLetter } from './letter';
import { nearestProject, showReport } from './report';

const OPEN_REPORT = 'workbench:open-report';

const openReport: JupyterFrontEndPlugin<void> = {
  id: 'notebook-workbench:open-report',
  description: 'Opens the latest report of the project that the file browser shows.',
  autoStart: true,
  requires: [IDefaultFileBrowser],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    browser: IDefaultFileBrowser,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('notebook_workbench');
    const write = letters(trans);

    app.commands.addCommand(OPEN_REPORT, {
      label: trans.__('Workbench: open the latest report'),
      caption: trans.__('Opens report.html of the project in the current folder, or in the nearest folder above it'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        const { path, manager } = browser.model;
        try {
          const project = await nearestProject(manager.services.contents, path);
          if (!project) {
            await showLetter(write.noProject(path), trans);
          } else if (!project.hasReport) {
            await showLetter(write.noReport(project.folder), trans);
          } else {
            await showReport(manager, project.folder);
          }
        } catch (error) {
          await showLetter(write.cannotLook(path, error), trans);
        }
      }
    });
    palette?.addItem({ command: OPEN_REPORT, category: trans.__('Workbench') });
  }
};

export default openReport;

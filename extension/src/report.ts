// Where the report of a project is, and how it is shown. Folders are paths below the server's root, '' is the root.
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { Contents } from '@jupyterlab/services';

const MARKER = 'workbench.toml';
const REPORT = 'report.html';
const VIEWER = 'HTML Viewer';

export interface IProject {
  folder: string;
  hasReport: boolean;
}

/** The project in `folder`, or in the nearest folder above it; null if there is none up to the server's root. */
export async function nearestProject(contents: Contents.IManager, folder: string): Promise<IProject | null> {
  const names = await namesIn(contents, folder);
  if (names.has(MARKER)) {
    return { folder, hasReport: names.has(REPORT) };
  }
  return folder === '' ? null : nearestProject(contents, PathExt.dirname(folder));
}

/** Shows the report in a tab. A tab that is open already is read again: it may hold the report before this one. */
export async function showReport(documents: IDocumentManager, folder: string): Promise<void> {
  const path = PathExt.join(folder, REPORT);
  await documents.findWidget(path, VIEWER)?.context.revert();
  documents.openOrReveal(path, VIEWER);
}

// A listing, since asking for one file that is not there prints a 404 in the browser's console.
async function namesIn(contents: Contents.IManager, folder: string): Promise<Set<string>> {
  const listing = await contents.get(folder, { content: true });
  return new Set((listing.content as Contents.IModel[]).map(file => file.name));
}

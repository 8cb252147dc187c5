import { join } from "node:path";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import { useConsoleInBrowser } from "./console-in-browser.ts";

const live = useConsoleInBrowser();

it("the page of daemons says of each what it reads, its lag, memory, uptime and version, as they come and go", async () => {
  await live.tellStory("daemons-1");
  const page = await live.visit("#/daemons");
  const rows = () =>
    page.locator("main tbody tr").evaluateAll((found) =>
      found.map((row) => {
        const cells = [...(row as unknown as Row).querySelectorAll("td")];
        return Object.fromEntries(cells.map((cell) => [cell.dataset.label, cell.textContent?.trim()]));
      }),
    );
  const note = () => page.locator("main .note[role=status]").textContent();
  const one = {
    ready: "yes",
    partitions: expect.stringMatching(/^order v\d+: 0-15 \(16 of 16\)$/),
    lag: "0",
    memory: expect.stringMatching(/^\d{2,3} MiB$/),
    up: expect.stringMatching(/\d/),
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
  };
  await until("all is applied", async () => (await rows())[0]?.lag === "0");
  expect(await rows()).toEqual([one]);
  expect(await note()).toBe("One daemon, all are ready");

  const second = await live.world.start({ NATSTATE_DATA: join(live.world.dataDir, "second") });
  const isHalf = ({ partitions = "" }: { partitions?: string }) => partitions.includes("(8 of 16)");
  await until("both have half", async () => {
    const shown = await rows();
    return shown.length === 2 && shown.every(isHalf) && (await note()) === "2 daemons, all are ready";
  });
  for (const row of await rows()) expect(row).toMatchObject({ ...one, partitions: expect.any(String) });
  await second.kill9();
  await until("one is left, with all", async () => {
    const shown = await rows();
    return shown.length === 1 && shown[0]?.partitions?.includes("(16 of 16)");
  });
}, 120_000);

interface Row {
  querySelectorAll(
    selector: "td",
  ): Iterable<{ readonly dataset: { label: string }; readonly textContent: string | null }>;
}

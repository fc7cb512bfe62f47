/* The chart of a campaign. It stays where it is: when the numbers above it change, its data are fetched and compared. */
"use strict";
(() => {
  const canvas = document.querySelector("canvas[data-chart]");
  if (!canvas || !window.Chart) return;
  const SERIES = [
    { key: "sent", label: "Sent", type: "bar", colour: "--strong-line", axis: "sent" },
    { key: "replied", label: "Answers", type: "line", colour: "--accent", axis: "back" },
    { key: "positive", label: "Interested", type: "line", colour: "--good", axis: "back", dash: [6, 3] },
    { key: "bounced", label: "Bounced", type: "line", colour: "--bad", axis: "back", dash: [2, 3] },
  ];
  const FEW_DAYS = 14;
  let chart = null;
  let seen = "";

  /* A colour of the style sheet as this theme shows it. */
  const colour = (name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    canvas.parentElement.append(probe);
    const shown = getComputedStyle(probe).color;
    probe.remove();
    return shown;
  };

  /* A day without any has no point, and a row of zeros no line either. */
  const drawn = (series, data) => {
    const values = data[series.key];
    const radius = data.days.length > FEW_DAYS ? 0 : 3;
    return {
      borderWidth: series.type === "line" && values.some(Boolean) ? 2 : 0,
      pointRadius: values.map((value) => (value ? radius : 0)),
    };
  };

  const datasets = (data) => SERIES.map((series, place) => ({
    type: series.type,
    label: series.label,
    data: data[series.key],
    yAxisID: series.axis,
    order: SERIES.length - place,
    borderColor: colour(series.colour),
    backgroundColor: colour(series.colour),
    borderDash: series.dash || [],
    ...drawn(series, data),
    pointHitRadius: 8,
    tension: 0.25,
    maxBarThickness: 28,
    borderRadius: 3,
  }));

  const axis = (position, title, grid) => ({
    position,
    beginAtZero: true,
    suggestedMax: 4,
    title: { display: canvas.clientWidth > 480, text: title, color: colour("--soft") },
    ticks: { precision: 0, color: colour("--soft") },
    grid: { display: grid, color: colour("--sunken") },
    border: { color: colour("--line") },
  });

  const options = () => ({
    responsive: true,
    maintainAspectRatio: false,
    animation: false,
    interaction: { mode: "index", intersect: false },
    scales: {
      x: { ticks: { color: colour("--soft"), maxRotation: 0, autoSkipPadding: 16 }, grid: { display: false }, border: { color: colour("--line") } },
      sent: axis("left", "Mails sent", true),
      back: axis("right", "What came back", false),
    },
    plugins: {
      legend: { position: "bottom", reverse: true, labels: { color: colour("--text"), usePointStyle: true, boxHeight: 7 } },
      tooltip: { backgroundColor: colour("--text"), titleColor: colour("--paper"), bodyColor: colour("--paper") },
    },
  });

  const show = (data) => {
    if (!chart) {
      chart = new Chart(canvas, { data: { labels: data.days, datasets: datasets(data) }, options: options() });
      return;
    }
    chart.data.labels = data.days;
    SERIES.forEach((series, place) => { Object.assign(chart.data.datasets[place], { data: data[series.key], ...drawn(series, data) }); });
    chart.update();
  };

  const refresh = async () => {
    const answer = await fetch(canvas.dataset.chart, { headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) return;
    const text = await answer.text();
    if (text === seen) return;
    seen = text;
    show(JSON.parse(text));
  };

  const recolour = () => {
    if (!chart) return;
    const data = JSON.parse(seen);
    chart.data.datasets = datasets(data);
    chart.options = options();
    chart.update();
  };

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.matches("[data-live]")) refresh().catch(() => {});
  });
  document.addEventListener("themechange", recolour);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  refresh().catch(() => {});
})();

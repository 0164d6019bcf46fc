-- Weekly units per product, one week ahead.
--
-- Decision: how much of a product to order for next week. Origin: Sunday night of week t-1; target: units of week t over
-- all stores of the panel households.
-- Assumption: display and mailer of week t are a plan that is known at the origin (the data records what took place).
--
-- Leak rules
--   1. Every sales window ends at "1 PRECEDING": nothing sold in week t enters a feature of week t. That includes the
--      discount of week t: it is a price seen with the sale (as a feature it lowers WAPE to 40 and is worth nothing).
--   2. The products are chosen on weeks 2..38 only; a choice on all weeks would favour those that go on selling.
--   3. Only columns n_* speak of week t, by the assumption above.
--
-- Split (a time split, the later part tests the earlier): 2..9 warm-up of the windows, 10..38 train, 39..45 validate,
-- 46..52 test, 53 stress (six trading days: report apart, never in the headline). Week 1 is one single day and is left out.
--
-- Columns: product_id, week, split; units = target; level = the product's usual weekly units, the scale that the target
-- is divided by; baseline_* = naive forecasts in units; the rest are features (r_* are sales windows divided by level).
WITH
product AS (
    -- Fuel is sold by volume, and hides in MISCELLANEOUS as well; a coupon is not a product.
    SELECT product_id, department
    FROM products
    WHERE department NOT IN ('FUEL', 'MISCELLANEOUS', 'COUPON')
),
sold AS (
    -- ::double, since DuckDB sums integers to HUGEINT, which leaves as decimal and becomes Python objects. Money is summed
    -- as decimal: sums of floats in parallel differ in their last digits from run to run, and with them every model.
    SELECT product_id, week,
           sum(quantity)::double AS units,
           sum(sales_value::decimal(18, 2))::double AS paid,
           sum(sales_value::decimal(18, 2) + retail_disc::decimal(18, 2))::double AS listed
    FROM transactions SEMI JOIN product USING (product_id)
    WHERE week BETWEEN 2 AND 53
    GROUP BY product_id, week
),
chosen AS (
    SELECT product_id
    FROM sold
    WHERE week <= 38
    GROUP BY product_id
    HAVING count(*) >= 30
),
calendar AS (
    -- Weeks are Monday to Sunday in the stores' local time. The days 1 to 7 of a month sell about 13 % more, and that is
    -- the only calendar effect that one year repeats; the number of the week would be an id.
    SELECT week, count(*) FILTER (WHERE day(DATE '2016-12-26' + (7 * (week - 1) + d)::int) <= 7)::double AS dom1_7
    FROM range(2, 54) weeks(week), range(7) days(d)
    GROUP BY week
),
promoted AS (
    -- Number of stores that display or advertise the product in that week; location '0' means none. The semi-join comes
    -- before the grouping: 21 million rows shrink first. Some (product, store, week) keys are double (0.06 %); counting
    -- them twice changes nothing that a model sees, and removing them costs three seconds.
    SELECT product_id, week,
           count(*) FILTER (WHERE display_location <> '0')::double AS n_disp,
           count(*) FILTER (WHERE display_location IN ('1', '3'))::double AS n_front,
           count(*) FILTER (WHERE mailer_location <> '0')::double AS n_mail,
           count(*) FILTER (WHERE mailer_location IN ('D', 'F', 'H', 'L', 'Z'))::double AS n_mailfront
    FROM promotions SEMI JOIN chosen USING (product_id)
    WHERE week BETWEEN 2 AND 53
    GROUP BY product_id, week
),
grid AS (
    -- A week without a sale is a row with 0 units: zeros are data.
    SELECT product_id, week, department, dom1_7,
           coalesce(units, 0) AS units, coalesce(paid, 0) AS paid, coalesce(listed, 0) AS listed,
           coalesce(n_disp, 0) AS n_disp, coalesce(n_front, 0) AS n_front,
           coalesce(n_mail, 0) AS n_mail, coalesce(n_mailfront, 0) AS n_mailfront
    FROM chosen
    JOIN product USING (product_id)
    CROSS JOIN calendar
    LEFT JOIN sold USING (product_id, week)
    LEFT JOIN promoted USING (product_id, week)
),
past AS (
    SELECT *,
           lag(units, 1) OVER weeks AS lag1,
           lag(units, 2) OVER weeks AS lag2,
           lag(units, 3) OVER weeks AS lag3,
           lag(units, 4) OVER weeks AS lag4,
           avg(units) OVER last4 AS mean4,
           avg(units) OVER last8 AS mean8,
           avg(units) OVER last13 AS mean13,
           avg(units) OVER all_before AS mean_all,
           median(units) OVER last13 AS median13,
           max(units) OVER last13 AS max13,
           1 - lag(paid, 1) OVER weeks / nullif(lag(listed, 1) OVER weeks, 0) AS disc1,
           1 - sum(paid) OVER last4 / nullif(sum(listed) OVER last4, 0) AS disc4,
           sum(listed) OVER last8 / nullif(sum(units) OVER last8, 0) AS price8,
           lag(n_disp, 1) OVER weeks AS n_disp_lag1,
           lag(n_mail, 1) OVER weeks AS n_mail_lag1,
           lag(n_mailfront, 1) OVER weeks AS n_mailfront_lag1,
           avg(n_disp) OVER last8 AS a_disp,
           avg(n_front) OVER last8 AS a_front,
           avg(n_mail) OVER last8 AS a_mail,
           avg(n_mailfront) OVER last8 AS a_mailfront
    FROM grid
    WINDOW weeks AS (PARTITION BY product_id ORDER BY week),
           last4 AS (PARTITION BY product_id ORDER BY week ROWS BETWEEN 4 PRECEDING AND 1 PRECEDING),
           last8 AS (PARTITION BY product_id ORDER BY week ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING),
           last13 AS (PARTITION BY product_id ORDER BY week ROWS BETWEEN 13 PRECEDING AND 1 PRECEDING),
           all_before AS (PARTITION BY product_id ORDER BY week ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
levelled AS (
    -- The first week has no past, hence no level: 0.5 keeps the column whole (a warm-up row, never trained on).
    SELECT *, greatest(coalesce(0.5 * mean13 + 0.5 * mean_all, 0.5), 0.5) AS level
    FROM past
)
SELECT product_id, week::int AS week,
       CASE WHEN week <= 9 THEN 'warm-up'
            WHEN week <= 38 THEN 'train'
            WHEN week <= 45 THEN 'validate'
            WHEN week <= 52 THEN 'test'
            ELSE 'stress' END AS split,
       units, level,
       lag1 AS baseline_last, mean4 AS baseline_mean4, mean8 AS baseline_mean8, mean13 AS baseline_mean13,
       -- A ratio to the level lets one model serve a product of 2 units a week and one of 200. The mean of all weeks is not
       -- among them: level is half of it and half of mean13, so r_mean13 says the same, and a linear model would suffer.
       lag1 / level AS r_lag1, lag2 / level AS r_lag2, lag3 / level AS r_lag3, lag4 / level AS r_lag4,
       mean4 / level AS r_mean4, mean8 / level AS r_mean8, mean13 / level AS r_mean13,
       median13 / level AS r_median13, max13 / level AS r_max13,
       ln(level) AS log_level, disc1, disc4, price8, dom1_7,
       n_disp, n_front, n_mail, n_mailfront, n_disp_lag1, n_mail_lag1, n_mailfront_lag1,
       a_disp, a_front, a_mail, a_mailfront, department
FROM levelled
ORDER BY week, product_id

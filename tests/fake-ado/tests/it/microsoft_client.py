"""Drives a fake-ado with Microsoft's unmodified client: microsoft_client.py BASE_URL"""

import base64
import sys

from azure.devops.connection import Connection
from azure.devops.exceptions import AzureDevOpsServiceError
from azure.devops.v7_1.test.models import (
    PointsFilter, RunCreateModel, RunUpdateModel, ShallowReference, TestAttachmentRequestModel,
    TestCaseResult, TestPointsQuery, TestSubResult)
from azure.devops.v7_1.work_item_tracking.models import WorkItemBatchGetRequest
from msrest.authentication import BasicAuthentication

PROJECT = "Web Shop"
connection = Connection(base_url=sys.argv[1], creds=BasicAuthentication("", "secret"))
connection.authenticate()

data = connection.clients_v7_1.get_location_client().get_connection_data()
assert data.authenticated_user.provider_display_name == "Fake User", data

core = connection.clients_v7_1.get_core_client()
assert core.get_project(PROJECT).name == PROJECT
assert [project.name for project in core.get_projects()] == [PROJECT, "Other"]

plans = connection.clients_v7_1.get_test_plan_client()
plan = plans.get_test_plan_by_id(PROJECT, 18)
assert plan.root_suite.id == 100018, plan
assert [entry.id for entry in plans.get_test_plans(PROJECT)] == [18, 19]
assert [entry.name for entry in plans.get_test_configurations(PROJECT)] == ["Windows 10", "Ubuntu"]
points = plans.get_points_list(PROJECT, 18, plan.root_suite.id, is_recursive=True)
assert [point.id for point in points] == [5, 6], points
more = plans.get_points_list(PROJECT, 18, plan.root_suite.id, is_recursive=True, continuation_token="-2147483648;2")
assert [point.id for point in more] == [7], more

items = connection.clients_v7_1.get_work_item_tracking_client()
found = items.get_work_items_batch(WorkItemBatchGetRequest(ids=[12, 13], error_policy="omit"), PROJECT)
assert [item.fields["System.Title"] for item in found] == ["Login", "Register"], found

test = connection.clients_v7_1.get_test_client()
query = test.get_points_by_query(TestPointsQuery(points_filter=PointsFilter(testcase_ids=[12])), PROJECT)
assert [point.id for point in query.points] == [5, 7, 8], query

run = test.create_test_run(
    RunCreateModel(name="Nightly", automated=True, plan=ShallowReference(id="18"), point_ids=[5, 6],
                   state="InProgress", start_date="2026-01-02T10:00:00.000Z", comment="kado:1"), PROJECT)
assert run.total_tests == 2, run

results = test.get_test_results(PROJECT, run.id, top=200, skip=0)
by_point = {result.test_point.id: result for result in results}
assert sorted(by_point) == ["5", "6"], results

updates = [
    TestCaseResult(id=by_point["5"].id, state="Completed", outcome="Passed", duration_in_ms=12.0,
                   test_case_title="Login", test_case_revision=1,
                   started_date="2026-01-02T10:00:00Z", completed_date="2026-01-02T10:00:01Z"),
    TestCaseResult(id=by_point["6"].id, state="Completed", outcome="Failed", error_message="boom",
                   result_group_type="rerun",
                   sub_results=[TestSubResult(display_name="Attempt# 1", outcome="Failed", sequence_id=1)]),
]
answered = test.update_test_results(updates, PROJECT, run.id)
assert [result.id for result in answered] == [100000, 100001], answered


def file(name, content):
    return TestAttachmentRequestModel(stream=base64.b64encode(content).decode(), file_name=name, comment="c",
                                      attachment_type="GeneralAttachment")


test.create_test_result_attachment(file("shot.png", b"a screenshot"), PROJECT, run.id, by_point["5"].id)
test.create_test_sub_result_attachment(file("sub.log", b"log"), PROJECT, run.id, by_point["6"].id, 1)
test.create_test_run_attachment(file("execution.log", b"log"), PROJECT, run.id)
assert [entry.file_name for entry in test.get_test_run_attachments(PROJECT, run.id)] == ["execution.log"]
content = b"".join(test.get_test_result_attachment_content(PROJECT, run.id, by_point["5"].id, 1))
assert content == b"a screenshot", content

done = test.update_test_run(RunUpdateModel(state="Completed", started_date="2026-01-02T10:00:00Z",
                                           completed_date="2026-01-02T10:05:00Z"), PROJECT, run.id)
assert done.state == "Completed" and done.passed_tests == 1 and done.incomplete_tests == 0, done
read = test.get_test_run_by_id(PROJECT, run.id, include_details=True)
assert read.comment == "kado:1" and read.completed_date.minute == 5, read
failed = test.get_test_result_by_id(PROJECT, run.id, by_point["6"].id, details_to_include="subResults")
assert failed.error_message == "boom" and failed.sub_results[0].display_name == "Attempt# 1", failed
assert [entry.id for entry in test.get_test_runs(PROJECT, plan_id=18, include_run_details=True)] == [run.id]
assert test.get_test_run_statistics(PROJECT, run.id).run_statistics[0].count == 1

try:
    test.update_test_results(updates, PROJECT, run.id)
    raise SystemExit("a completed run took results")
except AzureDevOpsServiceError as refused:
    assert refused.type_key == "ArgumentException", refused.type_key
try:
    plans.get_test_plan_by_id(PROJECT, 77)
    raise SystemExit("an unknown plan was found")
except AzureDevOpsServiceError as refused:
    assert refused.type_key == "TestObjectNotFoundException", refused.type_key
